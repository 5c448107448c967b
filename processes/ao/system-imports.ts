import { ERRNO } from './errno.ts'
import { GuestFault, LONGJMP } from './faults.ts'
import { type AoHost, bulkGas, type ImportTable, number, word } from './host.ts'

const PAGE_BYTES = 65_536
/** How far beyond the need the heap grows at most. */
const OVERGROWTH_MAX_BYTES = 96 * 1024 * 1024
/** Text of an abort that is kept. */
const REASON_MAX_BYTES = 1024

const nothing = number(() => 0)

function abort(reason: string): never {
  throw new GuestFault('abort', reason)
}

function copyBytes(host: AoHost, to = 0, from = 0, length = 0): number {
  host.charge(bulkGas(length >>> 0))
  const { memory } = host
  memory.read(from, length)
  memory.write(to, length)
  memory.bytes.copyWithin(to, from, from + length)
  return to
}

/** Emscripten's growth: a fifth more than there is, or less if that is too much. 1: it grew. */
function growHeap(host: AoHost, requested: number): number {
  const need = host.format.addressBits === 32 ? requested >>> 0 : requested
  const { heapMaxBytes } = host.format
  const before = host.memory.pages * PAGE_BYTES
  if (need <= before || need > heapMaxBytes) return 0
  for (const part of [0.2, 0.1, 0.05]) {
    const generous = Math.min(before * (1 + part), need + OVERGROWTH_MAX_BYTES)
    const size = Math.min(heapMaxBytes, Math.ceil(Math.max(need, generous) / PAGE_BYTES) * PAGE_BYTES)
    if (host.grow((size - before) / PAGE_BYTES)) return 1
  }
  return 0
}

function fillRandom(host: AoHost, at: number, length: number): number {
  host.charge(bulkGas(length >>> 0) + length)
  host.memory.write(at, length).set(host.slot.random(length))
  return 0
}

const reasonAt = (host: AoHost, at: number): string => (at === 0 ? '' : host.memory.readText(at, REASON_MAX_BYTES))

const print = number((host, text = 0) => {
  host.print(new TextEncoder().encode(`${host.memory.readText(text, PAGE_BYTES)}\n`))
  return undefined
})

function refuseCommand(host: AoHost, command: number): number {
  return command === 0 ? 0 : host.format.runsMain ? -1 : -ERRNO.notSupported
}

const throwLongjmp = number(() => {
  throw LONGJMP
})

/** Everything that is not files, time, or calling back into the guest. */
export const SYSTEM_IMPORTS: ImportTable = {
  _emscripten_throw_longjmp: throwLongjmp,
  emscripten_longjmp: throwLongjmp,
  abort: number(() => abort('the program called abort')),
  _abort_js: number(() => abort('the program called abort')),
  exit: number((_host, status = 0) => {
    throw new GuestFault('exit', `the program called exit(${status})`)
  }),
  proc_exit: number((_host, status = 0) => {
    throw new GuestFault('exit', `the program called exit(${status})`)
  }),
  __assert_fail: number((host, condition = 0) => abort(`assertion failed: ${reasonAt(host, condition)}`)),
  __cxa_throw: number(() => abort('the program threw an exception that nothing catches')),
  _emscripten_memcpy_js: word(copyBytes),
  emscripten_memcpy_js: word(copyBytes),
  emscripten_memcpy_big: word(copyBytes),
  emscripten_resize_heap: number((host, requested = 0) => growHeap(host, requested)),
  emscripten_get_heap_max: word(host => host.format.heapMaxBytes),
  emscripten_notify_memory_growth: nothing,
  environ_sizes_get: number((host, count = 0, bytes = 0) => {
    host.memory.writeWord(count, 0)
    host.memory.writeWord(bytes, 0)
    return 0
  }),
  environ_get: nothing,
  random_get: number((host, at = 0, length = 0) => fillRandom(host, at, length)),
  getentropy: number((host, at = 0, length = 0) => fillRandom(host, at, length)),
  sched_yield: nothing,
  system: number((host, command = 0) => refuseCommand(host, command)),
  _emscripten_system: number((host, command = 0) => refuseCommand(host, command)),
  emscripten_err: print,
  emscripten_out: print,
  getTempRet0: number(host => host.tempRet),
  setTempRet0: number((host, value = 0) => {
    host.tempRet = value
    return undefined
  }),
  // Files of the weave are not here: opening one fails, and reading is at its end.
  __asyncjs__weavedrive_open: nothing,
  __asyncjs__weavedrive_read: nothing,
  __asyncjs__weavedrive_close: nothing,
  // No memory-mapped files, no shared libraries.
  _mmap_js: number(() => -ERRNO.noDevice),
  _munmap_js: nothing,
  _dlinit: nothing,
  _dlopen_js: nothing,
  _dlsym_js: nothing,
  // Gas is the rewriter's: what a module metered itself is not counted a second time.
  metering_gasUsed: nothing,
  usegas: number(() => undefined),
}
