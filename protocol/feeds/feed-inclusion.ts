/**
 * That a block stands in a feed whose head was signed, shown without the other blocks.
 *
 * 1. Nodes of a feed's tree are numbered in flat order, as Hypercore does: leaf n is 2 n, and a node over 2^d leaves from leaf
 *    o 2^d on is o 2^(d+1) + 2^d - 1. Blocks once written keep their nodes, so the tree of every earlier length can be told.
 * 2. The whole subtrees of a length stand side by side. The way of a block leads up through one of them; the hashes of the
 *    others are given.
 * 3. So a proof has one node for each bit of the length, at most twice: some 800 bytes among a million blocks.
 */
import { MalformedBytes } from '../codec/bytes.ts'
import type { CborReader, CborWriter } from '../codec/cbor.ts'
import { parentHash, type SignedTree, treeHash, type TreeNode } from './feed-head.ts'
import type { FeedSpec } from '../ports.ts'
import { readHash, readSmall } from '../process/push.ts'

/** Reads nodes of feeds' trees by their place in flat order; undefined where there is none. */
export interface FeedTrees {
  nodes(feed: FeedSpec, indexes: readonly number[]): Promise<readonly (TreeNode | undefined)[]>
}

/** Shows that block `index`, of `size` bytes, is one of the first `length` blocks. */
export interface FeedInclusion {
  readonly length: number
  readonly index: number
  readonly size: number
  /** The other child at each step up, from the leaf to its root. */
  readonly path: readonly TreeNode[]
  /** The roots beside that one, largest first. */
  readonly roots: readonly TreeNode[]
}

/** Longer feeds are not met: a block a millisecond for thirty years. */
const LENGTH_MAX = 2 ** 40

interface Root {
  readonly index: number
  readonly firstLeaf: number
  readonly leaves: number
}

/** The whole subtrees of a feed of `length` blocks, largest first. */
function rootsOf(length: number): Root[] {
  const roots: Root[] = []
  for (let firstLeaf = 0; firstLeaf < length; ) {
    const leaves = 2 ** Math.floor(Math.log2(length - firstLeaf))
    roots.push({ index: 2 * firstLeaf + leaves - 1, firstLeaf, leaves })
    firstLeaf += leaves
  }
  return roots
}

/** The whole subtrees, left to right, that cover blocks [from, to), by their places in flat order. */
export function feedPlaces(from: number, to: number): { readonly index: number; readonly leaves: number }[] {
  const places: { index: number; leaves: number }[] = []
  for (let at = from; at < to; ) {
    let leaves = 1
    while (at % (2 * leaves) === 0 && at + 2 * leaves <= to) leaves *= 2
    places.push({ index: 2 * at + leaves - 1, leaves })
    at += leaves
  }
  return places
}

/** Places of the other children on the way from leaf `index` to the root over `leaves` leaves. */
function siblingsOf(index: number, leaves: number): number[] {
  const siblings: number[] = []
  for (let width = 1, at = index; width < leaves; width *= 2, at = Math.floor(at / 2)) {
    const sibling = at % 2 === 0 ? at + 1 : at - 1
    siblings.push(sibling * 2 * width + width - 1)
  }
  return siblings
}

/** The tree of the first `length` blocks; nothing, if the feed has fewer. */
export async function treeAt(trees: FeedTrees, feed: FeedSpec, length: number): Promise<SignedTree | undefined> {
  const roots = rootsOf(length)
  const nodes = await trees.nodes(
    feed,
    roots.map(({ index }) => index),
  )
  return treeOf(length, roots, nodes)
}

/** Shows that block `index` is one of the first `length`; nothing, if the feed has fewer. */
export async function proveInclusion(
  trees: FeedTrees,
  feed: FeedSpec,
  index: number,
  length: number,
): Promise<FeedInclusion | undefined> {
  if (index < 0 || index >= length) return undefined
  const roots = rootsOf(length)
  const own = roots.find(({ firstLeaf, leaves }) => index < firstLeaf + leaves)
  const siblings = siblingsOf(index, own?.leaves ?? 1)
  const others = roots.filter(root => root !== own)
  const [leaf, ...nodes] = await trees.nodes(feed, [2 * index, ...siblings, ...others.map(root => root.index)])
  const whole = nodes.filter(node => node !== undefined)
  if (leaf === undefined || whole.length < nodes.length) return undefined
  return {
    length,
    index,
    size: leaf.size,
    path: whole.slice(0, siblings.length),
    roots: whole.slice(siblings.length),
  }
}

/** The tree in which `leaf` stands as the proof says; nothing, if the proof has another shape. */
export function includedIn(
  leaf: Uint8Array,
  { length, index, size, path, roots }: FeedInclusion,
): SignedTree | undefined {
  if (!(index < length) || length > LENGTH_MAX) return undefined
  const all = rootsOf(length)
  const own = all.findIndex(({ firstLeaf, leaves }) => index < firstLeaf + leaves)
  const leaves = all[own]?.leaves ?? 0
  if (2 ** path.length !== leaves || roots.length !== all.length - 1) return undefined
  let node: TreeNode = { size, hash: leaf }
  for (const [depth, sibling] of path.entries()) {
    const isLeft = Math.floor(index / 2 ** depth) % 2 === 0
    const [left, right] = isLeft ? [node, sibling] : [sibling, node]
    const sum = left.size + right.size
    if (!Number.isSafeInteger(sum)) return undefined
    node = { size: sum, hash: parentHash(left, right) }
  }
  return treeOf(length, all, roots.toSpliced(own, 0, node))
}

function treeOf(
  length: number,
  roots: readonly Root[],
  nodes: readonly (TreeNode | undefined)[],
): SignedTree | undefined {
  const whole: (TreeNode & { index: number })[] = []
  for (const [at, { index }] of roots.entries()) {
    const node = nodes[at]
    if (node === undefined) return undefined
    whole.push({ index, ...node })
  }
  const hash = treeHash(whole)
  return { length, hash: () => hash }
}

/** `[length, index, size, [size, hash, …], [size, hash, …]]`. */
export function writeInclusion(writer: CborWriter, { length, index, size, path, roots }: FeedInclusion): void {
  writer.array(5)
  for (const number of [length, index, size]) writer.uint(number)
  for (const nodes of [path, roots]) {
    writer.array(nodes.length * 2)
    for (const node of nodes) {
      writer.uint(node.size)
      writer.bytes(node.hash)
    }
  }
}

/** @throws {MalformedBytes} */
export function readInclusion(reader: CborReader): FeedInclusion {
  if (reader.array() !== 5) throw new MalformedBytes('inclusion: expected 5 fields', reader.offset)
  const [length, index, size] = [readSmall(reader), readSmall(reader), readSmall(reader)]
  return { length, index, size, path: readNodes(reader), roots: readNodes(reader) }
}

/** As many as a length has bits. */
const NODES_MAX = 53

function readNodes(reader: CborReader): TreeNode[] {
  const parts = reader.array()
  if (parts % 2 !== 0 || parts > 2 * NODES_MAX) throw new MalformedBytes('inclusion: too many nodes', reader.offset)
  const nodes: TreeNode[] = []
  for (let at = 0; at < parts; at += 2) nodes.push({ size: readSmall(reader), hash: readHash(reader) })
  return nodes
}
