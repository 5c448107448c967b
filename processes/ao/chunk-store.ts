import { Buffer } from 'node:buffer'
import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import type { GuestMemory } from './guest-memory.ts'

const ZERO = new Uint8Array(CHUNK_SIZE_BYTES)

/**
 * The last kept state of a guest's memory, as differences from the image of its module; a chunk
 * that neither holds is zero. Only chunks that the dirty map names are ever looked at.
 */
export class ChunkStore {
  readonly #image: ReadonlyMap<number, Uint8Array>
  readonly #own = new Map<number, Uint8Array>()
  #changed = new Set<number>()

  constructor(image: ReadonlyMap<number, Uint8Array>) {
    this.#image = image
  }

  /** Chunks held beside the image. */
  get count(): number {
    return this.#own.size
  }

  /** Takes chunks over, for a guest that is opened in a later state. */
  adopt(chunks: ReadonlyMap<number, Uint8Array>): void {
    for (const [index, bytes] of chunks) this.#own.set(index, bytes.slice())
  }

  /** Writes the kept state into memory that holds the image. */
  writeTo(memory: GuestMemory): void {
    for (const [index, chunk] of this.#own) memory.setChunk(index, chunk)
  }

  /** Brings memory back from the kept state to the image. */
  clear(memory: GuestMemory): void {
    for (const index of this.#own.keys()) {
      memory.setChunk(index, this.#image.get(index) ?? ZERO)
    }
  }

  /**
   * Takes over what changed in memory. What lies between the end of the stack and where it stands
   * means nothing, but differs after each message: it becomes zero first. So it is mostly no
   * change, and neither copied nor hashed nor stored.
   */
  keep(memory: GuestMemory, dead: { readonly from: number; readonly to: number } | undefined): void {
    const { bytes } = memory
    const deadFrom = dead?.from ?? 0
    const deadTo = dead?.to ?? 0
    forEachDirty(memory, index => {
      const start = index * CHUNK_SIZE_BYTES
      const end = start + CHUNK_SIZE_BYTES
      if (start < deadTo && end > deadFrom) {
        bytes.fill(0, Math.max(start, deadFrom), Math.min(end, deadTo))
      }
      const now = memory.chunk(index)
      const before = this.#own.get(index)
      if (Buffer.compare(now, before ?? this.#image.get(index) ?? ZERO) === 0) return
      this.#changed.add(index)
      if (before === undefined) this.#own.set(index, now.slice())
      else before.set(now)
    })
  }

  /** Puts memory back as it was. */
  restore(memory: GuestMemory): void {
    forEachDirty(memory, index => {
      memory.setChunk(index, this.#own.get(index) ?? this.#image.get(index) ?? ZERO)
    })
  }

  /** Chunks that changed since the last call, ascending. */
  takeChanged(): readonly number[] {
    const changed = [...this.#changed].sort((a, b) => a - b)
    this.#changed = new Set()
    return changed
  }
}

/** Calls `each` for every chunk the dirty map names, ascending, and clears the map. */
export function forEachDirty(memory: GuestMemory, each: (index: number) => void): void {
  const chunks = memory.bytes.length / CHUNK_SIZE_BYTES
  const map = memory.dirtyMap
  const words = new Int32Array(map.buffer, 0, chunks / 4)
  for (let word = 0; word < words.length; word++) {
    if (words[word] === 0) continue
    for (let index = word * 4; index < word * 4 + 4; index++) if (map[index] !== 0) each(index)
  }
  // One byte beyond: a mark may be set ahead for a store that is not reached.
  map.fill(0, 0, Math.min(map.length, chunks + 1))
}
