// Locals: the parameters, then those of the kernel.
const [OUT, CHUNK, BASE, AT, TO, LOW, HIGH] = [0, 1, 2, 3, 4, 5, 6]
/** Memories: what is written, the chunk, what it is compared with. */
const [OUT_MEMORY, CHUNK_MEMORY, BASE_MEMORY] = [0, 1, 2]
const [I32, V128, NOTHING] = [0x7f, 0x7b, 0x40]
const HAS_MEMORY = 0x40

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const tee = (local: number) => [0x22, local]
const constant = (value: number) => [0x41, ...leb(value)]
const add = 0x6a
/** 16 bytes of a memory at an address and an offset, whatever their alignment. */
const load = (memory: number, offset: number) => [0xfd, 0, HAS_MEMORY, memory, ...leb(offset)]
const store = (offset: number) => [0xfd, 11, HAS_MEMORY, OUT_MEMORY, ...leb(offset)]
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

/** What 16 bytes of the chunk are not as in its base. */
const differ = (offset: number) => [
  ...[...get(CHUNK), ...load(CHUNK_MEMORY, offset), ...get(BASE), ...load(BASE_MEMORY, offset), ...xor],
]
/** All three go on by so many bytes. */
const goOn = (bytes: number) =>
  [CHUNK, BASE, AT].flatMap(local => [...get(local), ...constant(bytes), add, ...set(local)])

/**
 * (out, chunk, base) → bytes: writes at `out` the map and the lines of 32 bytes in which the chunk differs from its base, and gives how
 * many bytes these are; 0 if there are none. Both are looked at by vectors, four times as fast as word by word.
 */
const KERNEL = [
  ...[2, 2, I32, 2, V128],
  ...[...get(OUT), ...constant(16), add, ...set(TO)],
  ...[0x03, NOTHING],
  // Four lines at once: most are as they were.
  ...[0, 16, 32, 48, 64, 80, 96, 112].flatMap(offset => [...differ(offset), ...(offset === 0 ? [] : or)]),
  ...[...anyTrue, 0x04, NOTHING],
  ...[0x03, NOTHING],
  ...[...get(CHUNK), ...load(CHUNK_MEMORY, 0), ...tee(LOW), ...get(BASE), ...load(BASE_MEMORY, 0), ...xor],
  ...[...get(CHUNK), ...load(CHUNK_MEMORY, 16), ...tee(HIGH), ...get(BASE), ...load(BASE_MEMORY, 16), ...xor],
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
  ...goOn(32),
  ...[...get(AT), ...constant(127), 0x71, 0x0d, 0, end],
  ...[0x05, ...goOn(128), end],
  ...[...get(AT), ...constant(4096), 0x49, 0x0d, 0, end],
  // to === out + 16 ? 0 : to - out
  ...[...constant(0), ...get(TO), ...get(OUT), 0x6b, ...get(TO), ...get(OUT), 0x6b],
  ...[...constant(16), 0x46, 0x1b, end],
]

const section = (id: number, ...bytes: number[]) => [id, ...leb(bytes.length), ...bytes]
const name = (text: string) => [text.length, ...Array.from(text, character => character.charCodeAt(0))]
/** A memory of any size that somebody else made. */
const memory = (text: string) => [...name('memory'), ...name(text), 2, 0, 0]

/** A module with `differences`, over the memories `out`, `chunk` and `base`; all three may be the same. */
export const changedLinesModule = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 3, I32, I32, I32, 1, I32),
    ...section(2, 3, ...memory('out'), ...memory('chunk'), ...memory('base')),
    ...section(3, 1, 0),
    ...section(7, 1, ...name('differences'), 0, 0),
    ...section(10, 1, ...leb(KERNEL.length), ...KERNEL),
  ])
