import { EMPTY_ROOT, leafHash, nodeHash } from '../../protocol/index.ts'

/** Of a node. */
const CHILDREN = 16
/** Levels above the chunks: 16^6 chunks of 4 KiB are 64 GiB. */
const DEPTH = 6

/**
 * A commitment to linear memory: a sixteen-ary tree of fixed depth over its chunks.
 *
 * 1. The leaf of a chunk is leafHash(bytes); of a chunk that is all zero, 32 zero bytes.
 * 2. A node whose children are all 32 zero bytes is 32 zero bytes; else sha256(0x01 ‖ its sixteen children).
 * 3. So memory that was never touched costs nothing, and growing alone does not change the root
 *    (the number of pages stands beside it in the state root).
 *
 * A tree may stand on a `base` (the module's image), which it never changes.
 */
export class MemoryTree {
  readonly #levels: Map<number, Uint8Array>[] = Array.from({ length: DEPTH + 1 }, () => new Map())
  readonly #base: MemoryTree | undefined
  #stale = new Set<number>()

  constructor(base?: MemoryTree) {
    this.#base = base
  }

  /** Tells the bytes of a chunk that may have changed. */
  put(index: number, bytes: Uint8Array): void {
    this.#set(0, index, isZero(bytes) ? EMPTY_ROOT : leafHash(bytes))
    this.#stale.add(Math.floor(index / CHILDREN))
  }

  /** Chunks that were told since this tree began to stand on its base. */
  own(): Iterable<number> {
    return this.#levels[0]?.keys() ?? []
  }

  root(): Uint8Array {
    let stale = this.#stale
    for (let level = 1; level <= DEPTH && stale.size > 0; level++) {
      const above = new Set<number>()
      for (const index of stale) {
        this.#set(level, index, this.#combine(level - 1, index))
        above.add(Math.floor(index / CHILDREN))
      }
      stale = above
    }
    this.#stale = new Set()
    return this.#get(DEPTH, 0)
  }

  #combine(level: number, index: number): Uint8Array {
    const children: Uint8Array[] = []
    let empty = true
    for (let i = 0; i < CHILDREN; i++) {
      const child = this.#get(level, index * CHILDREN + i)
      if (child !== EMPTY_ROOT) empty = false
      children.push(child)
    }
    return empty ? EMPTY_ROOT : nodeHash(children)
  }

  #get(level: number, index: number): Uint8Array {
    const own = this.#levels[level]?.get(index)
    if (own !== undefined) return own
    return this.#base === undefined ? EMPTY_ROOT : this.#base.#get(level, index)
  }

  #set(level: number, index: number, hash: Uint8Array): void {
    this.#levels[level]?.set(index, hash)
  }
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes.byteOffset % 8 !== 0 || bytes.length % 8 !== 0) return bytes.every(byte => byte === 0)
  const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  // -0 equals 0 as a number but has a bit set; the integer look below tells them apart.
  for (const word of words) if (word !== 0) return false
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).every(word => word === 0)
}
