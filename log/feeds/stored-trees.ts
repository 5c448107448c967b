import transfers from 'hypercore-storage/lib/tx.js'
import View from 'hypercore-storage/lib/view.js'
import type { FeedSpec, FeedTrees, TreeNode } from '../../protocol/index.ts'
import { discoveryKeyOf } from './feed-manifest.ts'
import type { FeedStates } from './feed-states.ts'
import type { OpenFeeds } from './open-feeds.ts'
import { readNodes } from './packed-blocks.ts'
import { plainBytes } from '../plain-bytes.ts'
import type { WriteBehind } from './write-behind.ts'

const NO_VIEW = new View()

/** Trees of feeds as they lie in storage, our own brought up to all that waits for them; no Hypercore is opened. */
export class StoredTrees implements FeedTrees {
  readonly #parts: {
    readonly feeds: OpenFeeds
    readonly states: FeedStates
    readonly behind: WriteBehind
  }

  constructor(parts: { feeds: OpenFeeds; states: FeedStates; behind: WriteBehind }) {
    this.#parts = parts
  }

  async nodes(feed: FeedSpec, indexes: readonly number[]): Promise<readonly (TreeNode | undefined)[]> {
    const { behind, states } = this.#parts
    const state = states.of(feed)
    state.users++
    try {
      if (state.own) await behind.bring(state)
      return await this.#read(feed, indexes)
    } catch (error) {
      throw this.#parts.feeds.failure(error)
    } finally {
      state.users--
    }
  }

  async #read(feed: FeedSpec, indexes: readonly number[]): Promise<(TreeNode | undefined)[]> {
    const { db } = this.#parts.feeds.storage
    const directory = new transfers.CorestoreRX(db, NO_VIEW)
    const found = directory.getCore(discoveryKeyOf(feed))
    directory.tryFlush()
    const core = await found
    if (core === null) return indexes.map(() => undefined)
    const { corePointer, dataPointer } = core
    const pointers = { corePointer, dataPointer, dependencies: [] }
    const nodes = await readNodes(() => new transfers.CoreRX(pointers, db, NO_VIEW, null, null, -1), indexes)
    return nodes.map(node => node && { size: node.size, hash: plainBytes(node.hash) })
  }
}
