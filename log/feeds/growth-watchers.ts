import type { FeedGrowth } from '../../protocol/index.ts'
import { type FeedState, visibleLength } from './feed-state.ts'

/** Those who want to know of all growth of feeds. */
export class GrowthWatchers {
  readonly #watchers = new Set<(growth: FeedGrowth) => void>()

  add(grew: (growth: FeedGrowth) => void): Disposable {
    this.#watchers.add(grew)
    return { [Symbol.dispose]: () => void this.#watchers.delete(grew) }
  }

  /** Readers see `blocks` at the end of the feed now. */
  tell(state: FeedState, blocks: readonly Uint8Array[]): void {
    if (this.#watchers.size === 0 || blocks.length === 0) return
    const growth = { feed: state.feed, length: visibleLength(state), blocks }
    for (const grew of this.#watchers) grew(growth)
  }
}
