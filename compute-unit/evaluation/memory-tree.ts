import { EMPTY_ROOT, leafHash, packedNodeHash } from '../../protocol/index.ts'

/** Of a node. */
const CHILDREN = 16
/** Levels above the chunks: 16^6 chunks of 4 KiB are 64 GiB. */
const DEPTH = 6
/** So many indexes are below every level. */
const WIDTH = CHILDREN ** DEPTH
const HASH_BYTES = 32

/**
 * A commitment to linear memory: a sixteen-ary tree of fixed depth over its chunks.
 *
 * 1. The leaf of a chunk is leafHash(bytes); of a chunk that is all zero, 32 zero bytes.
 * 2. A node whose children are all 32 zero bytes is 32 zero bytes; else sha256(0x01 ‖ its sixteen children).
 * 3. So memory that was never touched costs nothing, and growing alone does not change the root
 *    (the number of pages stands beside it in the state root).
 *
 * A tree may stand on a `base` (the module's image), which it never changes. Its hashes lie in one buffer: tens of thousands
 * of processes have a tree each, and every object is work for the collector of garbage.
 */
export class MemoryTree {
  /** By level × WIDTH + index: where its hash lies in `#hashes`; -1 less that, if it is 32 zero bytes. */
  readonly #places = new Map<number, number>()
  readonly #base: MemoryTree | undefined
  #hashes = new Uint8Array(0)
  #used = 0
  #stale = new Set<number>()

  constructor(base?: MemoryTree) {
    this.#base = base
  }

  /** Makes room for this many chunks that will be told. */
  reserve(chunks: number): void {
    this.#grow((this.#used + chunks + Math.ceil(chunks / CHILDREN) + DEPTH) * HASH_BYTES)
  }

  /** Tells the bytes of a chunk that may have changed. */
  put(index: number, bytes: Uint8Array): void {
    this.#set(index, isZero(bytes) ? undefined : leafHash(bytes))
    this.#stale.add(Math.floor(index / CHILDREN))
  }

  /** Chunks that were told since this tree began to stand on its base. */
  *own(): Iterable<number> {
    for (const key of this.#places.keys()) if (key < WIDTH) yield key
  }

  root(): Uint8Array {
    let stale = this.#stale
    for (let level = 1; level <= DEPTH && stale.size > 0; level++) {
      const above = new Set<number>()
      for (const index of stale) {
        this.#set(level * WIDTH + index, this.#combine(level - 1, index))
        above.add(Math.floor(index / CHILDREN))
      }
      stale = above
    }
    if (this.#stale.size > 0) this.#stale = new Set()
    const root = new Uint8Array(HASH_BYTES)
    return this.#copy(DEPTH * WIDTH, root, 0) ? root : EMPTY_ROOT
  }

  #combine(level: number, index: number): Uint8Array | undefined {
    const first = level * WIDTH + index * CHILDREN
    let empty = true
    for (let i = 0; i < CHILDREN; i++) {
      const at = i * HASH_BYTES
      if (this.#copy(first + i, children, at)) empty = false
      else children.fill(0, at, at + HASH_BYTES)
    }
    return empty ? undefined : packedNodeHash(children)
  }

  /** Copies a hash to where it is wanted; false, and nothing copied, if it is 32 zero bytes. */
  #copy(key: number, into: Uint8Array, at: number): boolean {
    const place = this.#places.get(key)
    if (place === undefined) return this.#base === undefined ? false : this.#base.#copy(key, into, at)
    if (place < 0) return false
    into.set(this.#hashes.subarray(place, place + HASH_BYTES), at)
    return true
  }

  #set(key: number, hash: Uint8Array | undefined): void {
    const known = this.#places.get(key)
    const place = known === undefined ? this.#room() : known < 0 ? -1 - known : known
    if (hash !== undefined) this.#hashes.set(hash, place)
    const value = hash === undefined ? -1 - place : place
    if (value !== known) this.#places.set(key, value)
  }

  #room(): number {
    const place = this.#used * HASH_BYTES
    if (place === this.#hashes.length) this.#grow(Math.max(HASHES_MIN * HASH_BYTES, place * 2))
    this.#used += 1
    return place
  }

  #grow(bytes: number): void {
    if (bytes <= this.#hashes.length) return
    const grown = new Uint8Array(bytes)
    grown.set(this.#hashes)
    this.#hashes = grown
  }
}

const HASHES_MIN = 16
/** The children of one node are put together here. */
const children = new Uint8Array(CHILDREN * HASH_BYTES)

function isZero(bytes: Uint8Array): boolean {
  if (bytes.byteOffset % 8 !== 0 || bytes.length % 8 !== 0) return bytes.every(byte => byte === 0)
  const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  // -0 equals 0 as a number but has a bit set; the integer look below tells them apart.
  for (const word of words) if (word !== 0) return false
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).every(word => word === 0)
}
