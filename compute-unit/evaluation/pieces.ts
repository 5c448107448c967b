/** What is longer is hashed by itself: there is a faster way for long messages. */
const SHORT_MAX_BYTES = 1024
const BLOCK_BYTES = 64
/** Blocks of a short piece, with its prefix and what ends a message. */
const BLOCKS_MAX = 2 + SHORT_MAX_BYTES / BLOCK_BYTES

type Hashes = (bytes: Uint8Array, bounds: readonly number[]) => Uint8Array

/** Pieces of one buffer that wait to be hashed: short ones together, those of a length side by side, which are hashed at the same time. */
export class Pieces {
  readonly #keys: Int32Array
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #order: Int32Array
  readonly #ofBlocks = new Int32Array(BLOCKS_MAX + 1)
  #count = 0

  constructor(max: number) {
    this.#keys = new Int32Array(max)
    this.#starts = new Int32Array(max)
    this.#ends = new Int32Array(max)
    this.#order = new Int32Array(max)
  }

  clear(): void {
    this.#count = 0
  }

  add(key: number, start: number, end: number): void {
    const at = this.#count++
    this.#keys[at] = key
    this.#starts[at] = start
    this.#ends[at] = end
  }

  /** Hashes all of them; tells of each the eight words of its hash, which begin at `at`. */
  hash(bytes: Uint8Array, hashes: Hashes, tell: (key: number, words: Int32Array, at: number) => void): void {
    const short = this.#sort()
    const bounds: number[] = []
    for (let at = 0; at < short; at++) {
      const piece = this.#order[at] ?? 0
      bounds.push(this.#starts[piece] ?? 0, this.#ends[piece] ?? 0)
    }
    if (short > 0) {
      const words = wordsOf(hashes(bytes, bounds))
      for (let at = 0; at < short; at++) tell(this.#keys[this.#order[at] ?? 0] ?? 0, words, 8 * at)
    }
    for (let piece = 0; piece < this.#count; piece++) {
      if (this.#blocks(piece) <= BLOCKS_MAX) continue
      const bounds = [this.#starts[piece] ?? 0, this.#ends[piece] ?? 0]
      tell(this.#keys[piece] ?? 0, wordsOf(hashes(bytes, bounds)), 0)
    }
  }

  /** Has `#order` name the short ones, by their number of blocks; gives how many these are. */
  #sort(): number {
    const places = this.#ofBlocks.fill(0)
    for (let piece = 0; piece < this.#count; piece++) {
      const blocks = this.#blocks(piece)
      if (blocks <= BLOCKS_MAX) places[blocks] = (places[blocks] ?? 0) + 1
    }
    let short = 0
    for (let blocks = 0; blocks <= BLOCKS_MAX; blocks++) {
      const count = places[blocks] ?? 0
      places[blocks] = short
      short += count
    }
    for (let piece = 0; piece < this.#count; piece++) {
      const blocks = this.#blocks(piece)
      if (blocks > BLOCKS_MAX) continue
      const at = places[blocks] ?? 0
      this.#order[at] = piece
      places[blocks] = at + 1
    }
    return short
  }

  /** Blocks that a piece is hashed in; more than `BLOCKS_MAX`, if it is long. */
  #blocks(piece: number): number {
    const length = (this.#ends[piece] ?? 0) - (this.#starts[piece] ?? 0)
    return length > SHORT_MAX_BYTES ? BLOCKS_MAX + 1 : (length + PADDED_BYTES) >>> 6
  }
}

/** A prefix of one byte, the nine at least that end a message, and what rounds up. */
const PADDED_BYTES = 1 + 9 + BLOCK_BYTES - 1

/** Words of hashes; they lie as they come from a hash, at the beginning of a buffer of their own. */
const wordsOf = (hashes: Uint8Array): Int32Array =>
  hashes.byteOffset % 4 === 0
    ? new Int32Array(hashes.buffer, hashes.byteOffset, hashes.length / 4)
    : new Int32Array(hashes.slice().buffer)
