/**
 * Sixteen blocks of a feed under one key. Hypercore has one for each of them, and one for each node of the tree: for small blocks
 * that is most of the price of an append. Hardly any feed is ever opened as a Hypercore; one that is, is unpacked first.
 *
 * 1. A pack holds blocks 16 n to 16 n + 15, which came in one append. The top of their subtree stands in the tree as ever; what is below
 *    it is hashed anew for whoever asks.
 * 2. Packs are looked for first. What is in none stands where a Hypercore has it, and stays there.
 */
import type { TreeNode } from 'hypercore/lib/merkle-tree.js'
import type { CoreRX, CoreTX } from 'hypercore-storage/lib/tx.js'
import { EMPTY_FEED, type FeedEnd, grown } from './feed-end.ts'
import { plainBytes } from '../plain-bytes.ts'

const BLOCKS = 16
/** Larger ones would be read for the sake of one block. */
const PACK_MAX_BYTES = 64 * 1024
const SIZE_BYTES = 4
const KEY_SIZE_BYTES = 6
/** Packs that are taken apart in one step. */
const UNPACKED_TOGETHER = 32

type Read = () => CoreRX

interface Pair {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** How far a feed of `from` blocks is best written now, if it could be written up to `to`: what does not fill a pack may fill one later. */
export function packedEnd(from: number, to: number): number {
  const end = to - (to % BLOCKS)
  return end - from >= BLOCKS + ((BLOCKS - (from % BLOCKS)) % BLOCKS) ? end : to
}

/** Puts blocks behind the end of a feed; gives where it ends then. */
export function putBlocks(tx: CoreTX, end: FeedEnd, blocks: readonly Uint8Array[]): FeedEnd {
  const { end: now, nodes } = grown(end, blocks)
  const packed = new Set<number>()
  for (let pack = Math.ceil(end.length / BLOCKS); (pack + 1) * BLOCKS <= now.length; pack++) {
    const first = pack * BLOCKS - end.length
    const together = blocks.slice(first, first + BLOCKS)
    if (together.reduce((sum, { length }) => sum + length, 0) > PACK_MAX_BYTES) continue
    packed.add(pack)
    tx.putLocal(keyOf(pack), encode(together))
  }
  for (const [at, block] of blocks.entries()) {
    const index = end.length + at
    if (!packed.has(packOf(index))) tx.putBlock(index, block)
  }
  for (const node of nodes) if (!isInPack(node.index) || !packed.has(packOfNode(node.index))) tx.putTreeNode(node)
  return now
}

/** Blocks [from, to), undefined where one is not there. */
export async function readBlocks(read: Read, from: number, to: number): Promise<readonly (Uint8Array | undefined)[]> {
  const indexes = Array.from({ length: to - from }, (_, at) => from + at)
  const packs = await packsAt(read, indexes.map(packOf))
  const rx = read()
  const reads = indexes.map(index => packs.get(packOf(index))?.[index % BLOCKS] ?? rx.getBlock(index))
  rx.tryFlush()
  const blocks = await Promise.all(reads)
  return blocks.map(block => (block === null ? undefined : plainBytes(block)))
}

/** Nodes of the tree by their index, undefined where one is not there. */
export async function readNodes(read: Read, indexes: readonly number[]): Promise<readonly (TreeNode | undefined)[]> {
  const packs = await packsAt(read, indexes.filter(isInPack).map(packOfNode))
  const rx = read()
  const reads = indexes.map(index => {
    const blocks = isInPack(index) ? packs.get(packOfNode(index)) : undefined
    return blocks === undefined
      ? rx.getTreeNode(index)
      : nodesIn(packOfNode(index), blocks).find(node => node.index === index)
  })
  rx.tryFlush()
  const nodes = await Promise.all(reads)
  return nodes.map(node => node ?? undefined)
}

/** Puts all that is packed where a Hypercore looks for it. What this is interrupted in goes on at the next try. */
export async function unpack(packs: AsyncIterable<Pair>, write: () => CoreTX): Promise<void> {
  let taken: Pair[] = []
  for await (const pack of packs) {
    taken.push(pack)
    if (taken.length < UNPACKED_TOGETHER) continue
    await unpackAll(taken, write())
    taken = []
  }
  if (taken.length > 0) await unpackAll(taken, write())
}

async function unpackAll(packs: readonly Pair[], tx: CoreTX): Promise<void> {
  for (const { key, value } of packs) {
    const pack = packNamed(key)
    const blocks = decode(value)
    tx.deleteLocal(key)
    for (const [at, block] of blocks.entries()) tx.putBlock(pack * BLOCKS + at, block)
    for (const node of nodesIn(pack, blocks)) tx.putTreeNode(node)
  }
  await tx.flush()
}

async function packsAt(read: Read, packs: readonly number[]): Promise<ReadonlyMap<number, readonly Uint8Array[]>> {
  const wanted = [...new Set(packs)]
  if (wanted.length === 0) return NO_PACKS
  const rx = read()
  const reads = wanted.map(pack => rx.getLocal(keyOf(pack)))
  rx.tryFlush()
  const values = await Promise.all(reads)
  return new Map(wanted.flatMap((pack, at) => (values[at] ? [[pack, decode(values[at])] as const] : [])))
}

const NO_PACKS: ReadonlyMap<number, readonly Uint8Array[]> = new Map()

const packOf = (index: number): number => Math.floor(index / BLOCKS)
/** Numbers of a tree's nodes: leaf n has 2 n, what stands above lies between its children. */
const packOfNode = (index: number): number => Math.floor(index / (2 * BLOCKS))
/** Whether a node is below the top of a pack's subtree. */
const isInPack = (index: number): boolean => index % BLOCKS !== BLOCKS - 1

function nodesIn(pack: number, blocks: readonly Uint8Array[]): readonly TreeNode[] {
  const { nodes } = grown(EMPTY_FEED, blocks)
  return nodes.map(node => ({ ...node, index: 2 * BLOCKS * pack + node.index }))
}

function keyOf(pack: number): Uint8Array {
  const key = Buffer.allocUnsafe(KEY_SIZE_BYTES)
  key.writeUIntBE(pack, 0, KEY_SIZE_BYTES)
  return key
}

const packNamed = (key: Uint8Array): number => Buffer.from(key).readUIntBE(0, KEY_SIZE_BYTES)

/** The sizes of the blocks, then the blocks. */
function encode(blocks: readonly Uint8Array[]): Uint8Array {
  const sizes = Buffer.allocUnsafe(BLOCKS * SIZE_BYTES)
  for (const [at, { length }] of blocks.entries()) sizes.writeUInt32LE(length, at * SIZE_BYTES)
  return Buffer.concat([sizes, ...blocks])
}

function decode(bytes: Uint8Array): readonly Uint8Array[] {
  const sizes = Buffer.from(bytes.buffer, bytes.byteOffset, BLOCKS * SIZE_BYTES)
  let start = BLOCKS * SIZE_BYTES
  return Array.from({ length: BLOCKS }, (_, at) => {
    const block = bytes.subarray(start, start + sizes.readUInt32LE(at * SIZE_BYTES))
    start += block.length
    return block
  })
}
