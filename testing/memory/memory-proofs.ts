import {
  decodeFrame,
  type EpochChains,
  envelopeId,
  feedPlaces,
  equalBytes,
  type FeedSpec,
  type FeedSubtree,
  FeedTree,
  MalformedBytes,
  type NewBlock,
  type SignedBlocks,
  type SignedPrefix,
} from '../../protocol/index.ts'
import type { MemoryFeed } from './memory-feed.ts'

/** The tree of all these blocks. */
function treeOf(blocks: readonly Uint8Array[]): FeedTree {
  const tree = new FeedTree()
  for (const block of blocks) tree.append(block)
  return tree
}

/** A block as a subtree of its own. */
function leafOf(block: Uint8Array): FeedSubtree {
  const [leaf] = treeOf([block]).roots
  if (leaf === undefined) throw new TypeError('a tree of one block has a root')
  return leaf
}

/** The whole subtrees that cover blocks [from, to). */
function subtreesIn(blocks: readonly Uint8Array[], from: number, to: number): FeedSubtree[] {
  let at = from
  return feedPlaces(from, to).map(({ leaves }) => {
    const [root] = treeOf(blocks.slice(at, at + leaves)).roots
    at += leaves
    if (root === undefined) throw new TypeError('a whole subtree has one root')
    return root
  })
}

/** The messages of a block; none, if it stands behind the end of an epoch. */
export function standingIds(block: NewBlock, epochs: Pick<EpochChains, 'endOf'>): NewBlock['ids'] {
  return isMessages(block) && block.index < epochs.endOf(block.feed.process, block.feed.epoch) ? block.ids : []
}

/** The messages of a frame; none, if it is no frame. */
export function placesIn({ process }: FeedSpec, bytes: Uint8Array): Pick<NewBlock, 'ids' | 'firstSlot'> {
  try {
    const { firstSlot, assignments } = decodeFrame(bytes)
    return {
      firstSlot,
      ids: assignments.map(({ envelope }, at) => envelopeId(envelope, process, firstSlot + at)),
    }
  } catch (error) {
    if (error instanceof MalformedBytes) return { firstSlot: 0, ids: [] }
    throw error
  }
}

/** Whether blocks are the first of others. */
export function sameBlocks(blocks: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return blocks.every((block, at) => equalBytes(block, others[at] ?? new Uint8Array(0)))
}

/** What a piece says about the first `length` blocks of a feed that is the same as `ours` before it. */
export function prefixIn(
  ours: readonly Uint8Array[],
  { from, blocks, head, rest }: SignedBlocks,
  length: number,
): SignedPrefix {
  const { roots } = treeOf([...ours.slice(0, from), ...blocks.slice(0, length - from)])
  return { length, roots, head, rest: [...blocks.slice(length - from).map(leafOf), ...rest] }
}

/** A head that somebody else signed, what else it covers, and how many blocks came before that. */
export type GivenHead = Pick<SignedBlocks, 'head' | 'rest'> & { readonly length: number }

/** A head over the first `length` blocks that needs no signature of this node: that of their prologue, or one that was given. */
export function givenHead(
  feed: FeedSpec,
  held: Pick<MemoryFeed, 'length' | 'slice'>,
  length: number,
  given: GivenHead | undefined,
): Pick<SignedBlocks, 'head' | 'rest'> | undefined {
  const ending = endOf(feed)
  if (length <= ending && held.length >= ending)
    return { head: { length: ending, signature: new Uint8Array(0) }, rest: subtreesIn(held.slice(), length, ending) }
  if (given === undefined || length > given.length) return undefined
  return { head: given.head, rest: [...held.slice(length, given.length).map(leafOf), ...given.rest] }
}

/** Where the prologue of a feed ends. */
export const endOf = ({ prologue }: FeedSpec): number => prologue?.length ?? 0

export const isMessages = ({ feed }: NewBlock): boolean => feed.kind === 'messages'
