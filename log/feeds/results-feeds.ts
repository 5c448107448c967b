import { equalBytes, Failure } from '../../protocol/index.ts'
import type { FeedReader } from './feed-reader.ts'
import { type FeedState, freeze, visibleLength } from './feed-state.ts'
import type { GrowthWatchers } from './growth-watchers.ts'
import type { WriteBehind } from './write-behind.ts'

export interface ResultsFeedsParts {
  readonly reader: FeedReader
  readonly behind: WriteBehind
  readonly watchers: GrowthWatchers
}

/** Adds to feeds of our own that can be made again: no journal holds them. */
export class ResultsFeeds {
  readonly #parts: ResultsFeedsParts

  constructor(parts: ResultsFeedsParts) {
    this.#parts = parts
  }

  /** Adds blocks at the end of a feed, if that takes no look into it. */
  appendAtHand(state: FeedState, index: number, blocks: readonly Uint8Array[]): boolean {
    if (!state.known || state.users > 0 || index !== visibleLength(state)) return false
    this.#add(state, blocks)
    return true
  }

  /** Adds blocks from `index` on; those that are there must be equal. @throws {Failure} `feed-frozen` */
  async append(state: FeedState, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    if (state.frozen !== undefined) throw state.frozen
    const { process } = state.feed
    const length = visibleLength(state)
    if (index > length) throw new Failure('feed-frozen', { process, expected: length, index }, { note: 'a gap' })
    const known = Math.min(blocks.length, length - index)
    const present = known > 0 ? await this.#parts.reader.read(state, index, index + known) : []
    for (const [at, held] of present.entries()) {
      const given = blocks[at]
      if (given !== undefined && equalBytes(held, given)) continue
      const details = { process, index: index + at }
      const failure = new Failure('feed-frozen', details, { note: 'it holds another block there' })
      freeze(state, failure, visibleLength(state))
      throw failure
    }
    this.#add(state, blocks.slice(known))
  }

  #add(state: FeedState, blocks: readonly Uint8Array[]): void {
    for (const bytes of blocks) this.#parts.behind.add(state, { bytes, generation: 0 })
    this.#parts.watchers.tell(state, blocks)
  }
}
