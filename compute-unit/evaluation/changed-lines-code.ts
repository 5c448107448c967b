/** Where the kernel finds a chunk, and what it is compared with; behind them is room for what it writes. */
export const CHUNK_AT = 0
export const BASE_AT = 4096
export const OUT_AT = 8192

const PAGE_BYTES = 65_536

// Locals: the parameter, then those of the kernel.
const [OUT, AT, TO, LOW, HIGH] = [0, 1, 2, 3, 4]
const [I32, V128, NOTHING] = [0x7f, 0x7b, 0x40]

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const tee = (local: number) => [0x22, local]
const constant = (value: number) => [0x41, ...leb(value)]
const add = 0x6a
/** 16 bytes at an address and an offset, whatever their alignment. */
const load = (offset: number) => [0xfd, 0, 0, ...leb(offset)]
const store = (offset: number) => [0xfd, 11, 0, ...leb(offset)]
const [xor, or, anyTrue] = [
  [0xfd, 81],
  [0xfd, 80],
  [0xfd, 83],
]
const end = 0x0b

/** A number that is not negative; one bit more than needed keeps it so where it is read as signed. */
function leb(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x40; left >>= 7) bytes.push((left & 0x7f) | 0x80)
  return [...bytes, left]
}

/**
 * (out) → bytes: writes at `out` the map and the lines of 32 bytes in which the chunk differs from its base, and gives how many bytes
 * these are; 0 if there are none. Both are looked at by vectors: with the copies into this memory, four times as fast as word by word.
 */
const KERNEL = [
  ...[2, 2, I32, 2, V128],
  ...[...get(OUT), ...constant(16), add, ...set(TO)],
  ...[0x03, NOTHING],
  ...[...get(AT), ...load(CHUNK_AT), ...tee(LOW), ...get(AT), ...load(BASE_AT), ...xor],
  ...[...get(AT), ...load(CHUNK_AT + 16), ...tee(HIGH), ...get(AT), ...load(BASE_AT + 16), ...xor],
  ...[...or, ...anyTrue, 0x04, NOTHING],
  // The first line: an empty map.
  ...[...get(TO), ...get(OUT), 0x6b, ...constant(16), 0x46, 0x04, NOTHING],
  ...[...get(OUT), 0xfd, 12, ...new Array<number>(16).fill(0), ...store(0), end],
  // map[line >> 3] |= 1 << (line & 7)
  ...[...get(OUT), ...get(AT), ...constant(8), 0x76, add],
  ...[...get(OUT), ...get(AT), ...constant(8), 0x76, add, 0x2d, 0, 0],
  ...[...constant(1), ...get(AT), ...constant(5), 0x76, ...constant(7), 0x71],
  ...[0x74, 0x72, 0x3a, 0, 0],
  ...[...get(TO), ...get(LOW), ...store(0), ...get(TO), ...get(HIGH), ...store(16)],
  ...[...get(TO), ...constant(32), add, ...set(TO), end],
  ...[...get(AT), ...constant(32), add, ...tee(AT), ...constant(4096), 0x49, 0x0d, 0, end],
  // to === out + 16 ? 0 : to - out
  ...[...constant(0), ...get(TO), ...get(OUT), 0x6b, ...get(TO), ...get(OUT), 0x6b],
  ...[...constant(16), 0x46, 0x1b, end],
]

const section = (id: number, ...bytes: number[]) => [id, ...leb(bytes.length), ...bytes]
const name = (text: string) => [text.length, ...Buffer.from(text)]

/** A module with `memory`, in which there is room for `outBytes`, and `differences`. */
export function changedLinesModule(outBytes: number): Uint8Array<ArrayBuffer> {
  const pages = Math.ceil((OUT_AT + outBytes) / PAGE_BYTES)
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 1, I32, 1, I32),
    ...section(3, 1, 0),
    ...section(5, 1, 1, ...leb(pages), ...leb(pages)),
    ...section(7, 2, ...name('memory'), 2, 0, ...name('differences'), 0, 0),
    ...section(10, 1, ...leb(KERNEL.length), ...KERNEL),
  ])
}
