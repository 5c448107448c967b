/** How one Module-Format of AO differs from the others. */
export interface AoFormat {
  readonly name: string
  readonly addressBits: 32 | 64
  /** The compiler replaced the names of imports and exports by letters. */
  readonly letters: LetterNames | undefined
  /** The loader of this format calls `main` once, before the first message. */
  readonly runsMain: boolean
  /** Layout of `struct stat`. */
  readonly stat: 'classic' | 'compact' | 'wide'
  /** What the program is told the heap can grow to, bytes. */
  readonly heapMaxBytes: number
}

interface LetterNames {
  readonly importModule: string
  readonly imports: ReadonlyMap<string, string>
  readonly exports: ReadonlyMap<string, string>
}

const MIB = 1024 * 1024

/** The first format was minified. Its loader fixes what each letter means. */
const FIRST_FORMAT_LETTERS: LetterNames = {
  importModule: 'a',
  imports: new Map(
    Object.entries({
      a: 'emscripten_date_now',
      b: 'setTempRet0',
      c: 'fd_close',
      d: '__syscall_fcntl64',
      e: '__syscall_unlinkat',
      f: 'fd_write',
      g: '__syscall_openat',
      h: 'getTempRet0',
      i: '_mktime_js',
      j: '_tzset_js',
      k: 'emscripten_memcpy_big',
      l: 'exit',
      m: 'system',
      n: 'strftime',
      o: 'fd_seek',
      p: '_emscripten_throw_longjmp',
      q: 'emscripten_resize_heap',
      r: '__syscall_lstat64',
      s: '__syscall_renameat',
      t: '__syscall_rmdir',
      u: 'environ_get',
      v: 'environ_sizes_get',
      w: '__syscall_dup3',
      x: 'invoke_vii',
      y: 'fd_read',
      z: '__syscall_ioctl',
      A: '_emscripten_get_now_is_monotonic',
      B: '_gmtime_js',
      C: '_localtime_js',
      D: 'abort',
    }),
  ),
  exports: new Map(
    Object.entries({
      F: '__wasm_call_ctors',
      G: 'handle',
      H: 'main',
      J: 'malloc',
      K: '__errno_location',
      L: 'setThrew',
      M: 'stackSave',
      N: 'stackRestore',
      O: 'stackAlloc',
    }),
  ),
}

const old = {
  addressBits: 32,
  letters: undefined,
  runsMain: true,
  stat: 'classic',
  heapMaxBytes: 500 * MIB,
} as const
const new32 = {
  addressBits: 32,
  letters: undefined,
  runsMain: false,
  stat: 'compact',
  heapMaxBytes: 65_535 * 65_536,
} as const
const new64 = {
  addressBits: 64,
  letters: undefined,
  runsMain: false,
  stat: 'wide',
  heapMaxBytes: 16_384 * MIB,
} as const

const FORMATS: readonly AoFormat[] = [
  { ...old, name: 'wasm32-unknown-emscripten', letters: FIRST_FORMAT_LETTERS },
  { ...old, name: 'wasm32-unknown-emscripten2' },
  { ...new32, name: 'wasm32-unknown-emscripten3', runsMain: true },
  { ...new32, name: 'wasm32-unknown-emscripten4' },
  { ...new32, name: 'wasm32-unknown-emscripten-metering' },
  { ...new64, name: 'wasm64-unknown-emscripten-draft_2024_02_15' },
  { ...new64, name: 'wasm64-unknown-emscripten-draft_2024_10_16-metering' },
]

/** Module-Format names of AO. */
export const AO_FORMATS: readonly string[] = FORMATS.map(format => format.name)

/** The format of that name, if it is one of AO's. */
export function findFormat(name: string): AoFormat | undefined {
  return FORMATS.find(format => format.name === name)
}
