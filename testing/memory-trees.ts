import { blockHash, type FeedSpec, type FeedTrees, parentHash, type TreeNode } from '../protocol/index.ts'

/** Trees of feeds of which all blocks are at hand: every node is computed anew. */
export class MemoryTrees implements FeedTrees {
  readonly #blocksOf: (feed: FeedSpec) => readonly Uint8Array[]

  constructor(blocksOf: (feed: FeedSpec) => readonly Uint8Array[]) {
    this.#blocksOf = blocksOf
  }

  async nodes(feed: FeedSpec, indexes: readonly number[]): Promise<readonly (TreeNode | undefined)[]> {
    return indexes.map(index => nodeAt(this.#blocksOf(feed), index))
  }
}

/** A node over 2^d leaves has d ones at the end of its place in flat order. */
function nodeAt(blocks: readonly Uint8Array[], index: number): TreeNode | undefined {
  if (index % 2 === 0) {
    const block = blocks[index / 2]
    return block && { size: block.length, hash: blockHash(block) }
  }
  let half = 1
  for (let rest = (index - 1) / 2; rest % 2 === 1; rest = (rest - 1) / 2) half *= 2
  const [left, right] = [nodeAt(blocks, index - half), nodeAt(blocks, index + half)]
  if (left === undefined || right === undefined) return undefined
  return { size: left.size + right.size, hash: parentHash(left, right) }
}
