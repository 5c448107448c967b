import { MalformedBytes } from '../codec/bytes.ts'
import { feedHeadHolds, FeedTree } from './feed-head.ts'
import type { FeedSpec, FeedSubtree, SignedBlocks, SignedPrefix } from '../ports.ts'

/**
 * Whether blocks follow a tree of their feed, and the head that came with them covers both. Gives the tree with the
 * blocks, without what stands behind them; nothing, if the head does not hold.
 */
export function signedBlocksHold(
  feed: FeedSpec,
  before: readonly FeedSubtree[],
  { from, blocks, head, rest }: SignedBlocks,
): FeedTree | undefined {
  try {
    const tree = FeedTree.from(before)
    if (tree.length !== from) return undefined
    for (const block of blocks) tree.append(block)
    return feedHeadHolds(feed, treeWith(tree, rest), head) ? tree : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** The tree hash of a prefix that its own signed head covers; nothing, if it does not hold. */
export function signedPrefixHash(feed: FeedSpec, { length, roots, head, rest }: SignedPrefix): Uint8Array | undefined {
  const tree = signedBlocksHold(feed, roots, { from: length, blocks: [], head, rest })
  return tree?.hash()
}

/** A tree with what stands behind it; the tree itself stays as it is. */
function treeWith(tree: FeedTree, rest: readonly FeedSubtree[]): FeedTree {
  if (rest.length === 0) return tree
  const whole = FeedTree.from(tree.roots)
  for (const subtree of rest) whole.appendSubtree(subtree)
  return whole
}
