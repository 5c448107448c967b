import { COUNTS_AT, HASHES, LANE_BYTES, LANES, OUT, sha256Module } from './sha256-code.ts'

/** Longer messages are left to whoever is faster with them: the prefix and the standard's padding fit besides. */
export const SHORT_MESSAGE_MAX_BYTES = LANE_BYTES - 128
/** Messages are hashed side by side if the longest has so many times the blocks of the shortest at most. */
const SIDE_BY_SIDE_MAX = 2
/** Up to this many bytes a loop is faster than a call. */
const BY_HAND_MAX_BYTES = 96
const NO_BYTES = new Uint8Array(0)
/** The hash of nothing begins so. */
const HASH_OF_NOTHING = 0xe3b0c442

/** SHA-256 of short messages without a call into the engine: one by one, or four at the same time. */
export class ShortSha256 {
  readonly #memory: Uint8Array
  readonly #view: DataView
  readonly #words: Int32Array
  readonly #one: (blocks: number, out: number) => void
  readonly #four: (blocks: number, out: number) => void

  /** @throws {Error} where WebAssembly or its vectors may not be used */
  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(sha256Module()))
    const { buffer } = exports['memory'] as WebAssembly.Memory
    this.#memory = new Uint8Array(buffer)
    this.#view = new DataView(buffer)
    this.#words = new Int32Array(buffer)
    this.#one = exports['one'] as (blocks: number, out: number) => void
    this.#four = exports['four'] as (blocks: number, out: number) => void
    if (new DataView(this.hash(NO_BYTES).buffer).getUint32(0) !== HASH_OF_NOTHING) throw new Error('a wrong hash')
  }

  /** The hash of a message of up to `SHORT_MESSAGE_MAX_BYTES`. */
  hash(message: Uint8Array): Uint8Array {
    this.#one(this.#put(0, NO_BYTES, message, 0, message.length), 0)
    return this.#digest()
  }

  /**
   * The hashes, one behind the other, of `prefix` and bytes [bounds[2 n], bounds[2 n + 1]) of `bytes`, each of up to
   * `SHORT_MESSAGE_MAX_BYTES`. Those that follow each other are hashed at the same time if their lengths are alike.
   */
  hashEach(prefix: Uint8Array, bytes: Uint8Array, bounds: readonly number[]): Uint8Array {
    if (bounds.length === 2) {
      this.#one(this.#put(0, prefix, bytes, bounds[0] ?? 0, bounds[1] ?? 0), 0)
      return this.#digest()
    }
    const digests = new Uint8Array(16 * bounds.length)
    // Hashed are those before `done`; their hashes lie in memory from that of `kept` on.
    let [kept, done, least, most] = [0, 0, 0, 0]
    for (let at = 0; at < bounds.length; at += 2) {
      const [start, end] = [bounds[at] ?? 0, bounds[at + 1] ?? 0]
      const blocks = blocksOf(prefix.length + end - start)
      let waiting = at / 2 - done
      const isFull = waiting === LANES || blocks > SIDE_BY_SIDE_MAX * least || most > SIDE_BY_SIDE_MAX * blocks
      if (waiting > 0 && isFull) {
        this.#hash(waiting, most, done - kept)
        done = at / 2
        waiting = 0
        if (done - kept > HASHES - LANES) {
          digests.set(this.#memory.subarray(OUT, OUT + 32 * (done - kept)), 32 * kept)
          kept = done
        }
      }
      this.#put(waiting, prefix, bytes, start, end)
      this.#words[COUNTS_AT / 4 + waiting] = blocks
      least = waiting === 0 ? blocks : Math.min(least, blocks)
      most = waiting === 0 ? blocks : Math.max(most, blocks)
    }
    const count = bounds.length / 2
    if (count > done) this.#hash(count - done, most, done - kept)
    digests.set(this.#memory.subarray(OUT, OUT + 32 * (count - kept)), 32 * kept)
    return digests
  }

  /** A copy of the first hash: a loop takes half as long as the engine's slice. */
  #digest(): Uint8Array {
    const memory = this.#memory
    const digest = new Uint8Array(32)
    for (let at = 0; at < 32; at++) digest[at] = memory[OUT + at] ?? 0
    return digest
  }

  /** Hashes what waits in the lanes, behind so many hashes. */
  #hash(waiting: number, blocks: number, behind: number): void {
    if (waiting === 1) this.#one(blocks, 32 * behind)
    else this.#four(blocks, 32 * behind)
  }

  /** Writes a message into a lane, padded; gives its number of blocks. */
  #put(lane: number, prefix: Uint8Array, source: Uint8Array, start: number, end: number): number {
    const memory = this.#memory
    const first = lane * LANE_BYTES
    let at = first
    for (let from = 0; from < prefix.length; from++) memory[at++] = prefix[from] ?? 0
    if (end - start > BY_HAND_MAX_BYTES) {
      memory.set(source.subarray(start, end), at)
      at += end - start
    } else {
      for (let from = start; from < end; from++) memory[at++] = source[from] ?? 0
    }
    const length = at - first
    const blocks = blocksOf(length)
    const last = first + 64 * blocks - 4
    memory[at++] = 0x80
    while ((at & 3) !== 0) memory[at++] = 0
    for (let word = at >> 2; word < last >> 2; word++) this.#words[word] = 0
    this.#view.setUint32(last, 8 * length)
    return blocks
  }
}

const blocksOf = (length: number): number => (length + 9 + 63) >>> 6
