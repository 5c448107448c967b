import { CHUNK_SIZE_BYTES, EMPTY_ROOT, leafHashes, sha256Each } from '../../protocol/index.ts'
import { CHANGED_LINES_MAX_BYTES, ChangedLines } from './changed-lines.ts'

/** Of a node. */
const CHILDREN = 16
/** Levels above the chunks: 16^6 chunks of 4 KiB are 64 GiB. */
const DEPTH = 6
/** So many indexes are below every level. */
const WIDTH = CHILDREN ** DEPTH
const HASH_BYTES = 32
const MAP_BYTES = CHILDREN / 8
const NODE_MAX_BYTES = MAP_BYTES + CHILDREN * HASH_BYTES
const HASHES_MIN = 16
const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/**
 * A commitment to linear memory: a sixteen-ary tree of fixed depth over its chunks, of which it tells how they differ
 * from the module's image. Programs touch many chunks and change little of each; and their processes begin alike.
 *
 * 1. The leaf of a chunk is leafHash(the lines in which it differs from the image); if there are none, 32 zero bytes.
 *    A chunk that the image does not have is compared with zeros.
 * 2. A node whose children are all 32 zero bytes is 32 zero bytes; else sha256(0x01 ‖ 16-bit map of the others,
 *    little-endian, child 0 lowest ‖ the others in order).
 * 3. So memory that is as it was at first costs nothing, and growing alone does not change the root
 *    (the number of pages stands beside it in the state root).
 *
 * Its hashes lie in one buffer: tens of thousands of processes have a tree each, and every object is work for the
 * collector of garbage.
 */
export class MemoryTree {
  /** By level × WIDTH + index: where its hash lies in `#hashes`; -1 less that, if it is 32 zero bytes. */
  readonly #places = new Map<number, number>()
  readonly #image: ReadonlyMap<number, Uint8Array>
  #hashes = new Uint8Array(0)
  #used = 0
  #stale = new Set<number>()

  /** `image` has the chunks of the module's image that are not zero. */
  constructor(image: ReadonlyMap<number, Uint8Array>) {
    this.#image = image
  }

  /** Makes room for this many chunks that will be told. */
  reserve(chunks: number): void {
    this.#grow((this.#used + chunks + Math.ceil(chunks / CHILDREN) + DEPTH) * HASH_BYTES)
  }

  /** Tells the bytes of chunks that may have changed, each once. */
  put(chunks: Iterable<readonly [index: number, bytes: Uint8Array]>): void {
    const batch: Piece[] = []
    lines.clear()
    for (const [index, bytes] of chunks) {
      if (lines.left < CHANGED_LINES_MAX_BYTES) {
        this.#hash(batch.splice(0), leafHashes)
        lines.clear()
      }
      const start = lines.used
      lines.add(bytes, this.#image.get(index) ?? ZEROES)
      batch.push({ key: index, start, length: lines.used - start })
      this.#stale.add(Math.floor(index / CHILDREN))
    }
    this.#hash(batch, leafHashes)
  }

  /** Keeps the hashes of pieces that lie in `lines`: of short ones together, those of a length side by side. */
  #hash(batch: readonly Piece[], hashes: (bytes: Uint8Array, bounds: readonly number[]) => Uint8Array): void {
    const short: Piece[] = []
    const bounds: number[] = []
    for (const piece of batch) {
      const { key, start, length } = piece
      if (length === 0) this.#set(key, undefined, 0)
      else if (length > SHORT_MAX_BYTES) this.#set(key, hashes(lines.bytes, [start, start + length]), 0)
      else short.push(piece)
    }
    if (short.length === 0) return
    short.sort((a, b) => a.length - b.length)
    for (const { start, length } of short) bounds.push(start, start + length)
    const made = hashes(lines.bytes, bounds)
    for (const [at, { key }] of short.entries()) this.#set(key, made, at * HASH_BYTES)
  }

  /** Chunks that differ from the image. */
  *own(): Iterable<number> {
    for (const [key, place] of this.#places) if (key < WIDTH && place >= 0) yield key
  }

  root(): Uint8Array {
    let stale = this.#stale
    for (let level = 1; level <= DEPTH && stale.size > 0; level++) stale = this.#combine(level, stale)
    if (this.#stale.size > 0) this.#stale = new Set()
    const root = new Uint8Array(HASH_BYTES)
    return this.#copy(DEPTH * WIDTH, root, 0) ? root : EMPTY_ROOT
  }

  /** Hashes nodes of a level again; gives those above them. */
  #combine(level: number, stale: ReadonlySet<number>): Set<number> {
    const above = new Set<number>()
    const batch: Piece[] = []
    let start = 0
    for (const index of stale) {
      above.add(Math.floor(index / CHILDREN))
      if (start > BATCH_BYTES - NODE_MAX_BYTES) {
        this.#hash(batch.splice(0), nodeHashes)
        start = 0
      }
      const length = this.#gather(level - 1, index, start)
      batch.push({ key: level * WIDTH + index, start, length })
      start += length
    }
    this.#hash(batch, nodeHashes)
    return above
  }

  /** Writes the map of a node's children and their hashes at `start` of `lines`; gives their length, 0 if there are none. */
  #gather(level: number, index: number, start: number): number {
    const first = level * WIDTH + index * CHILDREN
    let map = 0
    let end = start + MAP_BYTES
    for (let child = 0; child < CHILDREN; child++) {
      if (!this.#copy(first + child, lines.bytes, end)) continue
      map |= 1 << child
      end += HASH_BYTES
    }
    lines.bytes[start] = map
    lines.bytes[start + 1] = map >> 8
    return map === 0 ? 0 : end - start
  }

  /** Copies a hash to where it is wanted; false, and nothing copied, if it is 32 zero bytes. */
  #copy(key: number, into: Uint8Array, at: number): boolean {
    const place = this.#places.get(key)
    if (place === undefined || place < 0) return false
    copyHash(this.#hashes, place, into, at)
    return true
  }

  /** Keeps the hash at `at` of `hashes`, or that there is none. */
  #set(key: number, hashes: Uint8Array | undefined, at: number): void {
    const known = this.#places.get(key)
    if (known === undefined && hashes === undefined) return
    const place = known === undefined ? this.#room() : known < 0 ? -1 - known : known
    if (hashes !== undefined) copyHash(hashes, at, this.#hashes, place)
    const value = hashes === undefined ? -1 - place : place
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

/** What is hashed lies in `lines`: the changed lines of a chunk, or the children of a node. */
interface Piece {
  /** Of the tree: level × WIDTH + index. */
  readonly key: number
  readonly start: number
  readonly length: number
}

/** What is longer is hashed by itself: there is a faster way for long messages. */
const SHORT_MAX_BYTES = 1024
const BATCH_BYTES = 64 * 1024
const lines = new ChangedLines(BATCH_BYTES)
const NODE = Uint8Array.of(1)
const nodeHashes = (bytes: Uint8Array, bounds: readonly number[]): Uint8Array => sha256Each(NODE, bytes, bounds)

/** A loop: a view for each hash would cost more than the hash. */
function copyHash(from: Uint8Array, start: number, into: Uint8Array, at: number): void {
  for (let byte = 0; byte < HASH_BYTES; byte++) into[at + byte] = from[start + byte] ?? 0
}
