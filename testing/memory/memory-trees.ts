import type { FeedSpec, FeedTrees, TreeNode } from '../../protocol/index.ts'
import type { MemoryFeed } from './memory-feed.ts'

/** Trees of feeds of which all blocks are at hand. */
export class MemoryTrees implements FeedTrees {
  readonly #feedOf: (feed: FeedSpec) => MemoryFeed

  constructor(feedOf: (feed: FeedSpec) => MemoryFeed) {
    this.#feedOf = feedOf
  }

  async nodes(feed: FeedSpec, indexes: readonly number[]): Promise<readonly (TreeNode | undefined)[]> {
    return indexes.map(index => this.#feedOf(feed).nodeAt(index))
  }
}
