import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'

/** Chunks in one slab: few enough that a host of ten guests stays small. */
const SLAB_CHUNKS = 64

/** Hands out chunks cut from slabs: an ArrayBuffer for each would cost a tenth more. */
export class ChunkStore {
  readonly #free: Uint8Array[] = []

  /** A chunk with any content. */
  take(): Uint8Array {
    return this.#free.pop() ?? this.#cut()
  }

  /** Gives a chunk back; the caller keeps no view of it. */
  release(chunk: Uint8Array): void {
    this.#free.push(chunk)
  }

  #cut(): Uint8Array {
    const slab = new ArrayBuffer(SLAB_CHUNKS * CHUNK_SIZE_BYTES)
    for (let index = SLAB_CHUNKS - 1; index > 0; index--) {
      this.#free.push(new Uint8Array(slab, index * CHUNK_SIZE_BYTES, CHUNK_SIZE_BYTES))
    }
    return new Uint8Array(slab, 0, CHUNK_SIZE_BYTES)
  }
}
