import { Failure } from '../../protocol/index.ts'
import { type FeedState, visibleLength } from './feed-state.ts'
import type { FeedStates } from './feed-states.ts'
import type { OpenFeeds } from './open-feeds.ts'

/** Blocks that are read at once when a reader walks along a feed. */
const READ_TOGETHER = 64

/** Reads feeds: from disk, and from memory what has not reached it yet. */
export class FeedReader {
  readonly #feeds: OpenFeeds
  readonly #states: FeedStates

  constructor({ feeds, states }: { feeds: OpenFeeds; states: FeedStates }) {
    this.#feeds = feeds
    this.#states = states
  }

  /** Blocks a reader can see. */
  async length(state: FeedState): Promise<number> {
    if (!state.known) await this.#states.load(state, this.#feeds)
    return visibleLength(state)
  }

  /** Blocks [from, to), which must be visible. */
  async read(state: FeedState, from: number, to: number): Promise<readonly Uint8Array[]> {
    // The tail moves to the disk while we read, so what is there now is taken first.
    const stored = Math.min(state.stored, to)
    const tail = state.tail.slice(Math.max(0, from - state.stored), Math.max(0, to - state.stored))
    const blocks: Uint8Array[] = []
    if (from < stored) {
      for (const block of await this.#feeds.read(state, from, stored)) {
        if (block === undefined) {
          const details = { process: state.feed.process, index: from + blocks.length }
          throw new Failure('data-folder-damaged', details, { note: 'a block cannot be read' })
        }
        blocks.push(block)
      }
    }
    for (const { bytes } of tail) blocks.push(bytes)
    return blocks
  }

  /** Blocks [from, to) as far as they are visible. */
  async *walk(state: FeedState, from: number, to: number): AsyncGenerator<Uint8Array> {
    const end = Math.min(to, await this.length(state))
    for (let at = from; at < end; at += READ_TOGETHER)
      yield* await this.read(state, at, Math.min(end, at + READ_TOGETHER))
  }
}
