import { type Failure, feedName, type FeedSpec, type KeyId } from '../../protocol/index.ts'
import { type FeedState, isQuiet, makeFeedState } from './feed-state.ts'
import type { OpenFeeds } from './open-feeds.ts'

/** States looked at for one that can be forgotten, when there are too many. */
const LOOK_AT_MAX = 16

/** A feed that is not written to, and why. */
export interface FrozenFeed {
  readonly feed: FeedSpec
  readonly failure: Failure
}

/** One state for each feed in use; the rest is forgotten, and its length read from disk when asked for. */
export class FeedStates {
  readonly #nodeKey: KeyId
  readonly #max: number
  /** Least recently made first. */
  readonly #states = new Map<string, FeedState>()
  /** Spares making the name for specs that callers keep. */
  readonly #bySpec = new WeakMap<FeedSpec, FeedState>()

  constructor(nodeKey: KeyId, max: number) {
    this.#nodeKey = nodeKey
    this.#max = max
  }

  of(feed: FeedSpec): FeedState {
    const held = this.#bySpec.get(feed)
    if (held !== undefined && !held.retired) return held
    const name = feedName(feed)
    let state = this.#states.get(name)
    if (state === undefined) {
      state = makeFeedState(feed, this.#nodeKey)
      this.#states.set(name, state)
      this.forgetSome()
    }
    this.#bySpec.set(feed, state)
    return state
  }

  /** States held. */
  get size(): number {
    return this.#states.size
  }

  /** Feeds that are not written to any more; they are never forgotten. */
  frozen(): readonly FrozenFeed[] {
    const frozen: FrozenFeed[] = []
    for (const { feed, frozen: failure } of this.#states.values()) {
      if (failure !== undefined) frozen.push({ feed, failure })
    }
    return frozen
  }

  /** Learns how long a feed of our own is; others are asked each time, as peers make them grow. */
  load(state: FeedState, feeds: OpenFeeds): Promise<void> {
    state.loading ??= feeds
      .storedLength(state)
      .then(length => {
        if (state.known) return
        state.stored = length
        state.known = true
      })
      .finally(() => {
        state.loading = undefined
      })
    return state.loading
  }

  /** Forgets what is beyond the bound, as far as a few of the oldest can be spared. */
  forgetSome(): void {
    let looked = 0
    for (const [name, state] of this.#states) {
      if (this.#states.size <= this.#max || ++looked > LOOK_AT_MAX) return
      this.#states.delete(name)
      if (isQuiet(state) && state.loading === undefined) state.retired = true
      // Still needed: to the end of the line, so that the next look finds others.
      else this.#states.set(name, state)
    }
  }
}
