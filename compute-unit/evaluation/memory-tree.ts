import { CHUNK_SIZE_BYTES, ChangedLines, CHANGED_LINES_MAX_BYTES, EMPTY_ROOT, sha256 } from '../../protocol/index.ts'
import { copyWords, mergePieces, PIECE_MAX_WORDS, pieceWords, writePiece } from './memory-pieces.ts'

/** Of a node. */
const CHILDREN = 16
const CHILD_BITS = 4
/** Of the root: 16^6 chunks of 4 KiB are 64 GiB. */
const TOP_LEVEL = 5
const HASH_BYTES = 32
const HASH_WORDS = HASH_BYTES / 4
/** What a leaf has at most: as much as is hashed in the time that is lost with each hash of its own, several times over. */
const LEAF_MAX_WORDS = (16 * 1024) / 4
/** The highest byte of the first word of a node; in a leaf it is 0, because indexes are below 2^24. */
const NODE = 1 << 24
const NODE_HEAD_BYTES = 4
const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)
const NO_WORDS = new Int32Array(0)
/** Of objects, and of the hashes of a branch. */
const LEAF_OVERHEAD_BYTES = 40
const BRANCH_OVERHEAD_BYTES = 800

/** The lines in which a chunk differs from the image, valid until the next call; none, if it is as there. */
type LinesOf = (index: number) => Int32Array

/** Chunks of which all pieces are hashed together. */
class Leaf {
  /** Its pieces; not of a single chunk, which is told whole whenever it changes. */
  words = NO_WORDS
  /** Words that its pieces have. */
  size = 0
  /** Of the first chunk. */
  index = 0

  get isAlone(): boolean {
    return this.words.length === 0
  }
  get keptBytes(): number {
    return LEAF_OVERHEAD_BYTES + this.words.byteLength
  }
}

/** Chunks that differ by more than a leaf holds, by a digit of their indexes. */
class Branch {
  readonly children = new Array<Leaf | Branch | undefined>(CHILDREN).fill(undefined)
  readonly hashes = new Int32Array(CHILDREN * HASH_WORDS)
  size = 0
  keptBytes = 0
  isStale = true
}

type Part = Leaf | Branch | undefined

/**
 * A commitment to linear memory, which tells how it differs from the module's image: programs touch many chunks and change little of each, and their
 * processes begin alike.
 *
 * 1. Each chunk of 4 KiB that differs from the image has a piece: its index, little-endian in four bytes, and its changed lines. A chunk that the
 *    image does not have is compared with zeros.
 * 2. Pieces of up to 16 KiB together are hashed in one: sha256(the pieces, ascending). More are divided by the highest hexadecimal digit in which
 *    six-digit indexes may differ, then by the next: sha256(16-bit map of the parts that there are, little-endian, digit 0 lowest ‖ 0x00 ‖ 0x01 ‖
 *    their hashes in order); a part that is alone is not hashed again. The root of no pieces is 32 zero bytes.
 * 3. So memory that is as it was at first costs nothing, that of most processes one hash, and growing alone does not change the root
 *    (the number of pages stands beside it in the state root).
 *
 * For small frames this is a good part of the work, so nothing is made here that could do without.
 */
export class MemoryTree {
  readonly #image: ReadonlyMap<number, Uint8Array>
  readonly #bytes = new Uint8Array(HASH_BYTES)
  readonly #hash = new Int32Array(this.#bytes.buffer)
  #root: Part

  /** `image` has the chunks of the module's image that are not zero. */
  constructor(image: ReadonlyMap<number, Uint8Array>) {
    this.#image = image
  }

  /** Tells the chunks that may have changed, each once. `bytesOf` may be asked for any chunk that was told, now or before. */
  put(indexes: readonly number[], bytesOf: (index: number) => Uint8Array): void {
    this.putLines(indexes, index => {
      lines.clear()
      lines.add(bytesOf(index), this.#image.get(index) ?? ZEROES)
      return lines.words.subarray(0, lines.used / 4)
    })
  }

  /** The same where changed lines are known. */
  putLines(indexes: readonly number[], linesOf: LinesOf): void {
    let end = 0
    for (const index of ascending(indexes)) {
      if (end > FRESH_WORDS - PIECE_MAX_WORDS) {
        this.#root = change({ part: this.#root, level: TOP_LEVEL, from: 0, to: end }, linesOf, this.#hash, 0)
        end = 0
      }
      end = writePiece(fresh, end, index, linesOf(index))
    }
    this.#root = change({ part: this.#root, level: TOP_LEVEL, from: 0, to: end }, linesOf, this.#hash, 0)
    this.#root = settle(this.#root, linesOf, this.#hash, 0)
  }

  /** Chunks that differ from the image. */
  own(): Iterable<number> {
    return indexesOf(this.#root)
  }

  /** What it keeps. */
  get sizeBytes(): number {
    return this.#root?.keptBytes ?? 0
  }

  root(): Uint8Array {
    return this.#root === undefined ? EMPTY_ROOT : this.#bytes.slice()
  }
}

/** Pieces of chunks that are told, `from` to `to` of `fresh`, and the part of memory that they are of. */
interface Change {
  readonly part: Part
  readonly level: number
  readonly from: number
  readonly to: number
}

/** Gives the part as it is after a change, and puts its hash at `at` of `hashes`, unless it is a branch: `settle` does. */
function change({ part, level, from, to }: Change, linesOf: LinesOf, hashes: Int32Array, at: number): Part {
  if (from === to) return part
  if (part instanceof Branch) {
    part.isStale = true
    for (let start = from, end = from; start < to; start = end) {
      const digit = digitOf(fresh[start] ?? 0, level)
      end = endOfDigit(fresh, start, to, level)
      const below = { part: part.children[digit], level: level - 1, from: start, to: end }
      part.children[digit] = change(below, linesOf, part.hashes, digit * HASH_WORDS)
    }
    return part
  }
  const known = part === undefined ? NO_WORDS : wordsOf(part, linesOf)
  const end = mergePieces({ words: known, from: 0, to: part?.size ?? 0 }, { words: fresh, from, to }, merged)
  return build(part, level, 0, end, hashes, at)
}

/** The pieces of a leaf. */
function wordsOf(leaf: Leaf, linesOf: LinesOf): Int32Array {
  if (!leaf.isAlone) return leaf.words
  leaf.size = writePiece(alone, 0, leaf.index, linesOf(leaf.index))
  return alone
}

/** The part of these pieces, `from` to `to` of `merged`; `leaf` is used again if there is one and they fit into one. */
function build(leaf: Leaf | undefined, level: number, from: number, to: number, hashes: Int32Array, at: number): Part {
  if (from === to) return undefined
  if (to - from <= LEAF_MAX_WORDS) {
    putHash(sha256(mergedBytes.subarray(4 * from, 4 * to)), hashes, at)
    return filled(leaf ?? new Leaf(), from, to)
  }
  const branch = new Branch()
  for (let start = from, end = from; start < to; start = end) {
    const digit = digitOf(merged[start] ?? 0, level)
    end = endOfDigit(merged, start, to, level)
    branch.children[digit] = build(undefined, level - 1, start, end, branch.hashes, digit * HASH_WORDS)
  }
  return branch
}

function filled(leaf: Leaf, from: number, to: number): Leaf {
  leaf.size = to - from
  leaf.index = merged[from] ?? 0
  if (pieceWords(merged, from) === leaf.size) leaf.words = NO_WORDS
  else {
    if (leaf.words.length < leaf.size) leaf.words = new Int32Array(leaf.size + (leaf.size >> 2))
    copyWords(merged, from, to, leaf.words, 0)
  }
  return leaf
}

/** Hashes branches again that changed, after those below them; such as differ by less than before become leaves. */
function settle(part: Part, linesOf: LinesOf, hashes: Int32Array, at: number): Part {
  if (!(part instanceof Branch) || !part.isStale) return part
  part.isStale = false
  part.size = 0
  part.keptBytes = BRANCH_OVERHEAD_BYTES
  for (let digit = 0; digit < CHILDREN; digit++) {
    const child = settle(part.children[digit], linesOf, part.hashes, digit * HASH_WORDS)
    part.children[digit] = child
    part.size += child?.size ?? 0
    part.keptBytes += child?.keptBytes ?? 0
  }
  if (part.size <= LEAF_MAX_WORDS) return build(undefined, 0, 0, gather(part, linesOf, 0), hashes, at)
  hashBranch(part, hashes, at)
  return part
}

/** Writes the pieces of a part at `at` of `merged`; gives where they end. */
function gather(part: Part, linesOf: LinesOf, at: number): number {
  if (part === undefined) return at
  if (part instanceof Leaf) return copyWords(wordsOf(part, linesOf), 0, part.size, merged, at)
  let end = at
  for (const child of part.children) end = gather(child, linesOf, end)
  return end
}

function hashBranch({ children, hashes: own }: Branch, hashes: Int32Array, at: number): void {
  let [map, end, last] = [0, NODE_HEAD_BYTES / 4, 0]
  for (let digit = 0; digit < CHILDREN; digit++) {
    if (children[digit] === undefined) continue
    map |= 1 << digit
    last = digit * HASH_WORDS
    end = copyWords(own, last, last + HASH_WORDS, node, end)
  }
  node[0] = NODE | map
  if (end === NODE_HEAD_BYTES / 4 + HASH_WORDS) copyWords(own, last, last + HASH_WORDS, hashes, at)
  else putHash(sha256(nodeBytes.subarray(0, 4 * end)), hashes, at)
}

function putHash(hash: Uint8Array, hashes: Int32Array, at: number): void {
  for (let word = 0, from = 0; word < HASH_WORDS; word++, from += 4) {
    const low = (hash[from] ?? 0) | ((hash[from + 1] ?? 0) << 8)
    hashes[at + word] = low | ((hash[from + 2] ?? 0) << 16) | ((hash[from + 3] ?? 0) << 24)
  }
}

function* indexesOf(part: Part): Iterable<number> {
  if (part instanceof Branch) for (const child of part.children) yield* indexesOf(child)
  else if (part?.isAlone) yield part.index
  else if (part !== undefined)
    for (let at = 0; at < part.size; at += pieceWords(part.words, at)) yield part.words[at] ?? 0
}

const digitOf = (index: number, level: number): number => (index >> (CHILD_BITS * level)) % CHILDREN

/** Where the pieces end that have the digit of the one at `start`. */
function endOfDigit(words: Int32Array, start: number, to: number, level: number): number {
  const digit = digitOf(words[start] ?? 0, level)
  let end = start
  while (end < to && digitOf(words[end] ?? 0, level) === digit) end += pieceWords(words, end)
  return end
}

/** Numbers in ascending order, none twice. */
function ascending(numbers: readonly number[]): readonly number[] {
  for (let at = 1; at < numbers.length; at++)
    if ((numbers[at - 1] ?? 0) >= (numbers[at] ?? 0)) return [...new Set(numbers)].sort((a, b) => a - b)
  return numbers
}

const FRESH_WORDS = (64 * 1024) / 4
const lines = new ChangedLines(CHANGED_LINES_MAX_BYTES)
/** Pieces of chunks that are told. */
const fresh = new Int32Array(FRESH_WORDS)
/** The piece of a leaf that keeps none. */
const alone = new Int32Array(PIECE_MAX_WORDS)
/** Pieces that leaves are made of. */
const merged = new Int32Array(LEAF_MAX_WORDS + FRESH_WORDS + PIECE_MAX_WORDS)
const mergedBytes = new Uint8Array(merged.buffer)
const node = new Int32Array(NODE_HEAD_BYTES / 4 + CHILDREN * HASH_WORDS)
const nodeBytes = new Uint8Array(node.buffer)
