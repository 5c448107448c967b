import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { ChunkSlabs } from './chunk-slabs.ts'

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** The first chunk of stable memory; heaps end far below. */
export const STABLE_BASE = 2 ** 22

/**
 * The chunks of a canister as of the last execution that ended well: heap from 0, stable memory from `STABLE_BASE`. A chunk that
 * is not here is zero. Changes come in any number in a slot; `keep` makes them stay, `discard` goes back to where it began.
 */
export class KeptChunks {
  #slabs = new ChunkSlabs()
  /** Where the chunks stand. */
  readonly #places = new Map<number, number>()
  /** Since the last `takeChanged`. */
  readonly #changed = new Set<number>()
  /** Where they stood when the slot began, or `NOWHERE`. */
  readonly #before = new Map<number, number>()

  get sizeBytes(): number {
    return this.#slabs.sizeBytes
  }

  /** The bytes of a chunk, valid until the next change; nobody may write to them. */
  get(index: number): Uint8Array {
    const place = this.#places.get(index)
    return place === undefined ? ZEROES : this.#slabs.at(place)
  }

  has(index: number): boolean {
    return this.#places.has(index)
  }

  indexes(): Iterable<number> {
    return this.#places.keys()
  }

  /** Copies `bytes` in. */
  put(index: number, bytes: Uint8Array): void {
    const kept = this.#places.get(index)
    if (kept !== undefined && this.#before.has(index)) {
      this.#slabs.write(kept, bytes)
      return
    }
    this.#before.set(index, kept ?? NOWHERE)
    this.#places.set(index, this.#slabs.add(bytes))
    this.#changed.add(index)
  }

  /** As read from a checkpoint. */
  restore(chunks: ReadonlyMap<number, Uint8Array>): void {
    let more = chunks.size
    for (const [index, bytes] of chunks) this.#places.set(index, this.#slabs.add(bytes, --more))
  }

  keep(): void {
    for (const place of this.#before.values()) if (place !== NOWHERE) this.#slabs.free(place)
    this.#before.clear()
    if (this.#slabs.freed > FREED_MAX && this.#slabs.freed > this.#places.size / 2) this.#pack()
  }

  /** Goes back to where the slot began; gives the chunks that are as before again. */
  discard(): number[] {
    const undone = [...this.#before.keys()]
    for (const [index, before] of this.#before) {
      const place = this.#places.get(index)
      if (place !== undefined) this.#slabs.free(place)
      // They stay told as changed, which does no harm.
      if (before === NOWHERE) this.#places.delete(index)
      else this.#places.set(index, before)
    }
    this.#before.clear()
    return undone
  }

  takeChanged(): number[] {
    const changed = [...this.#changed].sort((a, b) => a - b)
    this.#changed.clear()
    return changed
  }

  /** Nothing is here any more, and views of it are empty. */
  close(): void {
    this.#slabs.close()
    this.#places.clear()
    this.#before.clear()
    this.#changed.clear()
  }

  /** A slot that changed very much leaves much room behind. */
  #pack(): void {
    const slabs = new ChunkSlabs()
    let more = this.#places.size
    for (const [index, place] of this.#places) this.#places.set(index, slabs.add(this.#slabs.at(place), --more))
    this.#slabs.close()
    this.#slabs = slabs
  }
}

const NOWHERE = -1
/** Places kept for the next slots, however few are in use. */
const FREED_MAX = 1024
