import {
  CHANGED_LINES_MAX_BYTES,
  ChangedLines,
  CHUNK_SIZE_BYTES,
  EMPTY_ROOT,
  leafHashes,
  sha256Each,
} from '../../protocol/index.ts'
import { Pieces } from './pieces.ts'

/** Of a node. */
const CHILDREN = 16
const CHILD_BITS = 4
/** Levels above the chunks: 16^6 chunks of 4 KiB are 64 GiB. */
const DEPTH = 6
/** So many indexes are below every level. */
const WIDTH = CHILDREN ** DEPTH
const HASH_BYTES = 32
const HASH_WORDS = HASH_BYTES / 4
const MAP_BYTES = CHILDREN / 8
/** Maps of children that there are. */
const MAPS = 2 ** CHILDREN
const LEAF_MAP = 1
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
 * collector of garbage. For small frames this is a good part of the work, so nothing is made here that could do without.
 */
export class MemoryTree {
  /**
   * By level × WIDTH + index: which of `#hashes` is its own, × MAPS, + the map of its children that are not zero, which is
   * right at any time, though its hash may be stale. The map of a leaf is 1; what has none is 32 zero bytes.
   */
  readonly #nodes = new Map<number, number>()
  readonly #image: ReadonlyMap<number, Uint8Array>
  #hashes = new Int32Array(0)
  #used = 0
  /** Nodes of the first level with a chunk that was told since the last root; may be named twice. */
  #stale: number[] = []

  /** `image` has the chunks of the module's image that are not zero. */
  constructor(image: ReadonlyMap<number, Uint8Array>) {
    this.#image = image
  }

  /** Makes room for this many chunks that will be told. */
  reserve(chunks: number): void {
    this.#grow((this.#used + chunks + Math.ceil(chunks / CHILDREN) + DEPTH) * HASH_WORDS)
  }

  /** Tells the bytes of chunks that may have changed, each once. */
  put(indexes: readonly number[], bytesOf: (index: number) => Uint8Array): void {
    this.#put(indexes, index => lines.add(bytesOf(index), this.#image.get(index) ?? ZEROES))
  }

  /** The same of chunks whose changed lines are known. */
  putLines(indexes: readonly number[], linesOf: (index: number) => Int32Array): void {
    this.#put(indexes, index => lines.copy(linesOf(index)))
  }

  /** `add` adds the changed lines of a chunk to `lines`. */
  #put(indexes: readonly number[], add: (index: number) => void): void {
    lines.clear()
    pieces.clear()
    for (const index of indexes) {
      if (lines.left < CHANGED_LINES_MAX_BYTES) {
        this.#hash(leafHashes)
        lines.clear()
      }
      const start = lines.used
      add(index)
      this.#tell(index, lines.used > start)
      if (lines.used > start) pieces.add(index, start, lines.used)
      const node = index >> CHILD_BITS
      if (this.#stale[this.#stale.length - 1] !== node) this.#stale.push(node)
    }
    this.#hash(leafHashes)
  }

  /** Keeps the hashes of the pieces, which lie in `lines`. */
  #hash(hashes: (bytes: Uint8Array, bounds: readonly number[]) => Uint8Array): void {
    pieces.hash(lines.bytes, hashes, (key, words, at) => {
      const place = Math.floor((this.#nodes.get(key) ?? 0) / MAPS) * HASH_WORDS
      for (let word = 0; word < HASH_WORDS; word++) this.#hashes[place + word] = words[at + word] ?? 0
    })
    pieces.clear()
  }

  /** Notes whether a chunk differs from the image, in the maps of all nodes that this makes a difference to. */
  #tell(index: number, differs: boolean): void {
    const entry = this.#nodes.get(index)
    const differed = entry !== undefined && entry % MAPS !== 0
    if (differs === differed) return
    this.#nodes.set(index, (entry ?? this.#room()) + (differs ? LEAF_MAP : -LEAF_MAP))
    for (let [level, child] = [1, index]; level <= DEPTH; level++, child >>= CHILD_BITS) {
      const key = level * WIDTH + (child >> CHILD_BITS)
      const before = this.#nodes.get(key) ?? this.#room()
      const bit = 1 << (child % CHILDREN)
      const after = before + (differs ? bit : -bit)
      this.#nodes.set(key, after)
      if ((before % MAPS === 0) === (after % MAPS === 0)) return
    }
  }

  /** Chunks that differ from the image. */
  *own(): Iterable<number> {
    for (const [key, entry] of this.#nodes) if (key < WIDTH && entry % MAPS !== 0) yield key
  }

  root(): Uint8Array {
    let stale: readonly number[] = eachOnce(this.#stale)
    for (let level = 1; level <= DEPTH && stale.length > 0; level++) stale = this.#combine(level, stale)
    if (this.#stale.length > 0) this.#stale = []
    const entry = this.#nodes.get(DEPTH * WIDTH) ?? 0
    if (entry % MAPS === 0) return EMPTY_ROOT
    const place = Math.floor(entry / MAPS) * HASH_BYTES
    return new Uint8Array(this.#hashes.buffer, place, HASH_BYTES).slice()
  }

  /** Hashes nodes of a level again, each once and ascending; gives those above them, in the same way. */
  #combine(level: number, stale: readonly number[]): number[] {
    const above: number[] = []
    let start = FIRST_NODE
    for (const index of stale) {
      const node = index >> CHILD_BITS
      if (above[above.length - 1] !== node) above.push(node)
      if (start > BATCH_BYTES - NODE_MAX_BYTES) {
        this.#hash(nodeHashes)
        start = FIRST_NODE
      }
      const key = level * WIDTH + index
      const map = (this.#nodes.get(key) ?? 0) % MAPS
      if (map === 0) continue
      const end = this.#gather((level - 1) * WIDTH + index * CHILDREN, map, start)
      pieces.add(key, start, end)
      start = end + FIRST_NODE
    }
    this.#hash(nodeHashes)
    return above
  }

  /** Writes the map of a node's children and their hashes at `start` of `lines`; gives where they end. */
  #gather(first: number, map: number, start: number): number {
    lines.bytes[start] = map
    lines.bytes[start + 1] = map >> 8
    const { words } = lines
    let to = (start + MAP_BYTES) / 4
    for (let [left, child] = [map, first]; left !== 0; left >>= 1, child++) {
      if ((left & 1) === 0) continue
      const place = Math.floor((this.#nodes.get(child) ?? 0) / MAPS) * HASH_WORDS
      for (let word = 0; word < HASH_WORDS; word++) words[to++] = this.#hashes[place + word] ?? 0
    }
    return 4 * to
  }

  /** An entry with a hash of its own, and no children. */
  #room(): number {
    if (this.#used * HASH_WORDS === this.#hashes.length)
      this.#grow(Math.max(HASHES_MIN * HASH_WORDS, this.#hashes.length * 2))
    return this.#used++ * MAPS
  }

  #grow(words: number): void {
    if (words <= this.#hashes.length) return
    const grown = new Int32Array(words)
    grown.set(this.#hashes)
    this.#hashes = grown
  }
}

/** Numbers in ascending order, none twice. */
function eachOnce(numbers: readonly number[]): readonly number[] {
  for (let at = 1; at < numbers.length; at++)
    if ((numbers[at - 1] ?? 0) >= (numbers[at] ?? 0)) return [...new Set(numbers)].sort((a, b) => a - b)
  return numbers
}

const BATCH_BYTES = 64 * 1024
/** What a node begins with has two bytes; so its hashes lie at whole words. */
const FIRST_NODE = 4 - MAP_BYTES
const lines = new ChangedLines(BATCH_BYTES)
/** What is hashed lies in `lines`: the changed lines of a chunk, or the children of a node. Its key is that in the tree. */
const pieces = new Pieces(BATCH_BYTES / (MAP_BYTES + HASH_BYTES))
const NODE = Uint8Array.of(1)
const nodeHashes = (bytes: Uint8Array, bounds: readonly number[]): Uint8Array => sha256Each(NODE, bytes, bounds)
