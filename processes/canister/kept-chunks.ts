import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** The first chunk of stable memory; heaps end far below. */
export const STABLE_BASE = 2 ** 22

/**
 * The chunks of a canister as of the last execution that ended well: heap from 0, stable memory from `STABLE_BASE`. A chunk that
 * is not here is zero. Changes come in any number in a slot; `keep` makes them stay, `discard` goes back to where it began.
 */
export class KeptChunks {
  readonly #chunks = new Map<number, Uint8Array>()
  /** Since the last `takeChanged`. */
  readonly #changed = new Set<number>()
  /** What stood there when the slot began. */
  readonly #before = new Map<number, Uint8Array | undefined>()
  readonly #free: Uint8Array[] = []

  get size(): number {
    return this.#chunks.size
  }

  /** The bytes of a chunk, valid until the next change; nobody may write to them. */
  get(index: number): Uint8Array {
    return this.#chunks.get(index) ?? ZEROES
  }

  has(index: number): boolean {
    return this.#chunks.has(index)
  }

  indexes(): Iterable<number> {
    return this.#chunks.keys()
  }

  /** Copies `bytes` in. */
  put(index: number, bytes: Uint8Array): void {
    const kept = this.#chunks.get(index)
    if (kept !== undefined && this.#before.has(index)) {
      kept.set(bytes)
      return
    }
    const copy = this.#free.pop() ?? new Uint8Array(CHUNK_SIZE_BYTES)
    copy.set(bytes)
    this.#replace(index, kept, copy)
  }

  /** Takes `bytes` over. */
  take(index: number, bytes: Uint8Array): void {
    this.#replace(index, this.#chunks.get(index), bytes)
  }

  #replace(index: number, kept: Uint8Array | undefined, bytes: Uint8Array): void {
    if (!this.#before.has(index)) this.#before.set(index, kept)
    this.#chunks.set(index, bytes)
    this.#changed.add(index)
  }

  /** As read from a checkpoint. */
  restore(index: number, bytes: Uint8Array): void {
    this.#chunks.set(index, bytes.slice())
  }

  keep(): void {
    for (const bytes of this.#before.values()) {
      if (bytes !== undefined && this.#free.length < FREE_MAX) this.#free.push(bytes)
    }
    this.#before.clear()
  }

  /** Goes back to where the slot began; gives the chunks that are as before again. */
  discard(): number[] {
    const undone = [...this.#before.keys()]
    for (const [index, bytes] of this.#before) {
      // They stay told as changed, which does no harm.
      if (bytes === undefined) this.#chunks.delete(index)
      else this.#chunks.set(index, bytes)
    }
    this.#before.clear()
    return undone
  }

  takeChanged(): number[] {
    const changed = [...this.#changed].sort((a, b) => a - b)
    this.#changed.clear()
    return changed
  }
}

/** Buffers kept for the next slot. */
const FREE_MAX = 64
