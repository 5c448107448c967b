import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'

const PLACES_OF_SLAB = 256
const PLACES_MIN = 8

/**
 * Room for chunks in few large buffers; a place is a number. A host holds ten thousand canisters: an object for each chunk of each
 * would be looked at by every collection of garbage.
 */
export class ChunkSlabs {
  readonly #slabs: Uint8Array<ArrayBuffer>[] = []
  readonly #free: number[] = []
  #next = 0
  /** Places behind `#next` in the last slab. */
  #room = 0
  #used = 0

  get sizeBytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.length, 0)
  }

  /** Places that nothing stands in, besides those never used. */
  get freed(): number {
    return this.#free.length
  }

  /** Copies a chunk in and gives its place; `more` may follow at once. */
  add(bytes: Uint8Array, more = 0): number {
    const place = this.#free.pop() ?? this.#fresh(1 + more)
    this.write(place, bytes)
    return place
  }

  write(place: number, bytes: Uint8Array): void {
    this.#slab(place).set(bytes, startOf(place))
  }

  /** A view of a chunk. */
  at(place: number): Uint8Array {
    const start = startOf(place)
    return this.#slab(place).subarray(start, start + CHUNK_SIZE_BYTES)
  }

  free(place: number): void {
    this.#free.push(place)
  }

  /** Gives the memory back at once, not at some collection of garbage that thousands of megabytes let go would call for; there is no place left. */
  close(): void {
    for (const { buffer } of this.#slabs) buffer.transfer(0)
    this.#slabs.length = 0
  }

  #slab(place: number): Uint8Array {
    const slab = this.#slabs[Math.floor(place / PLACES_OF_SLAB)]
    if (slab === undefined) throw new RangeError('a place in no slab')
    return slab
  }

  #fresh(wanted: number): number {
    if (this.#room === 0) {
      // A small canister gets little more than it needs, a large one no slab for each few chunks.
      this.#room = Math.min(PLACES_OF_SLAB, Math.max(wanted, this.#used >> 3, PLACES_MIN))
      this.#next = this.#slabs.length * PLACES_OF_SLAB
      this.#slabs.push(new Uint8Array(this.#room * CHUNK_SIZE_BYTES))
    }
    this.#room -= 1
    this.#used += 1
    return this.#next++
  }
}

const startOf = (place: number): number => (place % PLACES_OF_SLAB) * CHUNK_SIZE_BYTES
