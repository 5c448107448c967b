import { type Failure, FEEDS_HELD_MAX, feedName, type FeedSpec, type KeyId } from '../../protocol/index.ts'
import { type FeedState, isQuiet, makeFeedState } from './feed-state.ts'
import type { OpenFeeds } from './open-feeds.ts'

/** States looked at for one that can be forgotten, when there are too many. */
const LOOK_AT_MAX = 16

/** A feed that is not written to, and why. */
export interface FrozenFeed {
  readonly feed: FeedSpec
  readonly failure: Failure
}

export interface FeedStatesParts {
  readonly nodeKey: KeyId
  /** States that are kept without being held. */
  readonly max: number
  /** `FEEDS_HELD_MAX`, if not given. */
  readonly heldMax?: number | undefined
  /** Another state will stand for this feed. */
  readonly retired: (state: FeedState) => void
}

/** One state for each feed in use; the rest is forgotten, and its length read from disk when asked for. */
export class FeedStates {
  readonly #parts: FeedStatesParts
  /** Least recently made first. */
  readonly #states = new Map<string, FeedState>()
  /** Those that are not forgotten, by the same names, and how many hold them. */
  readonly #held = new Map<string, { readonly state: FeedState; holders: number }>()
  /** Spares making the name for specs that callers keep. */
  readonly #bySpec = new WeakMap<FeedSpec, FeedState>()

  constructor(parts: FeedStatesParts) {
    this.#parts = parts
  }

  of(feed: FeedSpec): FeedState {
    const held = this.#bySpec.get(feed)
    if (held !== undefined && !held.retired) return held
    const name = feedName(feed)
    let state = this.#held.get(name)?.state ?? this.#states.get(name)
    if (state === undefined) {
      state = makeFeedState(feed, this.#parts.nodeKey)
      this.#states.set(name, state)
      this.forgetSome()
    }
    this.#bySpec.set(feed, state)
    return state
  }

  /** Keeps the state of a feed until that is disposed; of too many, nothing is kept. */
  hold(feed: FeedSpec): Disposable {
    const state = this.of(feed)
    const held = this.#held.get(state.name) ?? { state, holders: 0 }
    if (held.holders === 0 && this.#held.size >= (this.#parts.heldMax ?? FEEDS_HELD_MAX)) return NOTHING_HELD
    this.#states.delete(state.name)
    this.#held.set(state.name, held)
    held.holders++
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld && --held.holders === 0) this.#letGo(state)
        isHeld = false
      },
    }
  }

  #letGo(state: FeedState): void {
    this.#held.delete(state.name)
    this.#states.set(state.name, state)
    this.forgetSome()
  }

  /** States there are. */
  get size(): number {
    return this.#states.size + this.#held.size
  }

  /** Feeds that are not written to any more; they are never forgotten. */
  frozen(): readonly FrozenFeed[] {
    const frozen: FrozenFeed[] = []
    const note = ({ feed, frozen: failure }: FeedState): void => {
      if (failure !== undefined) frozen.push({ feed, failure })
    }
    for (const state of this.#states.values()) note(state)
    for (const { state } of this.#held.values()) note(state)
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
      if (this.#states.size <= this.#parts.max || ++looked > LOOK_AT_MAX) return
      this.#states.delete(name)
      if (isQuiet(state) && state.loading === undefined) this.#retire(state)
      // Still needed: to the end of the line, so that the next look finds others.
      else this.#states.set(name, state)
    }
  }

  #retire(state: FeedState): void {
    state.retired = true
    this.#parts.retired(state)
  }
}

const NOTHING_HELD: Disposable = { [Symbol.dispose]: () => undefined }
