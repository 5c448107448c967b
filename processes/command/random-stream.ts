import { concatBytes, sha256 } from '../../protocol/index.ts'

const BLOCK_BYTES = 32

/** Endless bytes of one seed: SHA-256 of the seed and the number of the block, eight bytes, lowest first. */
export class RandomStream {
  readonly #seed: Uint8Array
  #block = 0n
  #rest: Uint8Array = new Uint8Array(0)

  constructor(seed: Uint8Array) {
    this.#seed = seed
  }

  next(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      if (this.#rest.length === 0) this.#rest = this.#nextBlock()
      const part = this.#rest.subarray(0, length - at)
      bytes.set(part, at)
      at += part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    return bytes
  }

  #nextBlock(): Uint8Array {
    const number = new Uint8Array(8)
    new DataView(number.buffer).setBigUint64(0, this.#block, true)
    this.#block += 1n
    return sha256(concatBytes(this.#seed, number))
  }
}

/** Bytes of a seed. */
export const SEED_BYTES = BLOCK_BYTES
