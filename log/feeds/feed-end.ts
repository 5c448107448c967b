import merkleTree, { type MerkleTreeBatch, type TreeNode } from 'hypercore/lib/merkle-tree.js'
import { blockHash, type FeedSubtree, parentHash } from '../../protocol/index.ts'

/** Where the blocks of a feed end, and the whole subtrees that stand there. */
export interface FeedEnd {
  readonly length: number
  readonly byteLength: number
  readonly roots: readonly TreeNode[]
}

export const EMPTY_FEED: FeedEnd = { length: 0, byteLength: 0, roots: [] }

/** The tree of a feed, to be appended to; `end` stays as it is. */
export function treeFrom({ length, byteLength, roots }: FeedEnd): MerkleTreeBatch {
  return new merkleTree.MerkleTreeBatch({
    fork: 0,
    roots,
    length,
    byteLength,
    signature: null,
    prologue: null,
    storage: null,
    core: { _repairMode: false },
  })
}

/** The tree of a feed with `blocks` behind its end. */
export function treeWith(end: FeedEnd, blocks: Iterable<Uint8Array>): MerkleTreeBatch {
  const tree = treeFrom(end)
  for (const block of blocks) tree.append(block)
  return tree
}

/**
 * The end of a feed with `blocks` behind it, and the nodes that these add to its tree. The same as `treeWith`, at less than half
 * of the price: every block of every feed comes this way.
 */
export function grown(
  { length, byteLength, roots }: FeedEnd,
  blocks: readonly Uint8Array[],
): { readonly end: FeedEnd; readonly nodes: readonly TreeNode[] } {
  const [standing, nodes] = [[...roots], [] as TreeNode[]]
  let [count, bytes] = [length, byteLength]
  for (const block of blocks) {
    let node: TreeNode = { index: 2 * count, size: block.length, hash: blockHash(block) }
    nodes.push(node)
    count += 1
    bytes += block.length
    for (let leaves = 2; count % leaves === 0; leaves *= 2) {
      const left = standing.pop()
      if (left === undefined) throw new RangeError('a subtree of the feed is missing')
      node = { index: (left.index + node.index) / 2, size: left.size + node.size, hash: parentHash(left, node) }
      nodes.push(node)
    }
    standing.push(node)
  }
  return { end: { length: count, byteLength: bytes, roots: standing }, nodes }
}

/** Where a tree ends now. */
export function endOf({ length, byteLength, roots }: MerkleTreeBatch): FeedEnd {
  return { length, byteLength, roots: [...roots] }
}

/** The end of a feed whose whole subtrees are given. */
export function endFrom(length: number, roots: readonly TreeNode[]): FeedEnd {
  return { length, byteLength: roots.reduce((sum, { size }) => sum + size, 0), roots }
}

/**
 * Appends blocks of which only whole subtrees are known; false, and the tree is of no use, if no such subtree begins
 * where it ends.
 */
export function appendSubtrees(tree: MerkleTreeBatch, subtrees: readonly FeedSubtree[]): boolean {
  for (const { leaves, sizeBytes, hash } of subtrees) {
    const isPower = Number.isSafeInteger(leaves) && leaves > 0 && Number.isInteger(Math.log2(leaves))
    if (!isPower || tree.length % leaves !== 0 || hash.length !== 32) return false
    const place = new TreePlace(tree.length, leaves)
    tree.appendRoot({ index: place.index, size: sizeBytes, hash }, place)
  }
  return true
}

/** The subtrees, left to right, that cover blocks [from, to) of a feed of at least `to` blocks, by their place. */
export function placesBetween(from: number, to: number): readonly TreePlace[] {
  const places: TreePlace[] = []
  for (let at = from; at < to; ) {
    let leaves = 1
    while (at % (2 * leaves) === 0 && at + 2 * leaves <= to) leaves *= 2
    places.push(new TreePlace(at, leaves))
    at += leaves
  }
  return places
}

/** The whole subtrees of an end, left to right. */
export function subtreesOf({ length, roots }: FeedEnd): readonly FeedSubtree[] {
  const places = placesBetween(0, length)
  return roots.map(({ size, hash }, at) => subtree(places[at]?.leaves ?? 0, size, hash))
}

export function subtree(leaves: number, sizeBytes: number, hash: Uint8Array): FeedSubtree {
  return { leaves, sizeBytes, hash: new Uint8Array(hash) }
}

/** A subtree by its first block and how many it has; Hypercore moves along it as it appends. */
export class TreePlace {
  #first: number
  #leaves: number

  constructor(first: number, leaves: number) {
    this.#first = first
    this.#leaves = leaves
  }

  get leaves(): number {
    return this.#leaves
  }

  /** Its number in Hypercore's tree. */
  get index(): number {
    return 2 * this.#first + this.#leaves - 1
  }

  /** Twice its blocks. */
  get factor(): number {
    return 2 * this.#leaves
  }

  /** Moves to the subtree of the same size beside it. */
  sibling(): number {
    const isLeft = (this.#first / this.#leaves) % 2 === 0
    this.#first += isLeft ? this.#leaves : -this.#leaves
    return this.index
  }

  /** Moves to the subtree above. */
  parent(): number {
    this.#leaves *= 2
    this.#first -= this.#first % this.#leaves
    return this.index
  }
}
