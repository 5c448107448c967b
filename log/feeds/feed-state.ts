import {
  type Failure,
  type FeedHead,
  feedName,
  type FeedSpec,
  type FeedSubtree,
  type KeyId,
} from '../../protocol/index.ts'
import type { FeedEnd } from './feed-end.ts'

/** A block that is in memory because its Hypercore has not taken it yet. */
export interface TailBlock {
  readonly bytes: Uint8Array
  /** The segment of the journal it stands in; 0 if it is not journalled. */
  readonly generation: number
  /** What the last block of each piece came with, where signatures do not come from here. */
  readonly proof?: TailProof | undefined
}

/** A head that others signed, or several together, and what it covers behind the block. */
export interface TailProof {
  readonly signature: Uint8Array
  readonly rest: readonly FeedSubtree[]
}

/**
 * What this log knows of one feed. `length` = `stored` + blocks in `tail`, once `known`. There are tens of thousands
 * of these, so it holds no keys: they are hashes of the spec, made again when its Hypercore is opened.
 */
export interface FeedState {
  readonly feed: FeedSpec
  readonly name: string
  /** Whether blocks are signed here, alone or with others: it grows by what this log is given. Others are taken over. */
  readonly own: boolean
  known: boolean
  loading: Promise<void> | undefined
  /** Blocks that the Hypercore holds. */
  stored: number
  tail: TailBlock[]
  /** The tree of a first part of its blocks, once somebody asked for a head. */
  tree: FeedEnd | undefined
  /** The newest head that is known. */
  head: FeedHead | undefined
  /** Why nothing is written to it any more. */
  frozen: Failure | undefined
  /** Whether its Hypercore does not take what comes next. A feed that is only frozen is written to its end: it is the evidence. */
  unwritable: boolean
  /** Where reading ends, if it is frozen. */
  readable: number
  /** Whether an append to its Hypercore is under way. */
  appending: boolean
  /** Calls that hold on to this state across a wait. */
  users: number
  /** Forgotten: another state stands for the feed now. */
  retired: boolean
  /** Calls of `append` for this feed, one after the other. */
  turn: Promise<void>
}

const NO_TURN = Promise.resolve()

export function makeFeedState(feed: FeedSpec, nodeKey: KeyId): FeedState {
  return {
    feed,
    name: feedName(feed),
    own: feed.signers.includes(nodeKey),
    known: false,
    loading: undefined,
    stored: 0,
    tail: [],
    tree: undefined,
    head: undefined,
    frozen: undefined,
    unwritable: false,
    readable: Number.POSITIVE_INFINITY,
    appending: false,
    users: 0,
    retired: false,
    turn: NO_TURN,
  }
}

/** Blocks a reader can see. */
export function visibleLength(state: FeedState): number {
  return Math.min(state.stored + state.tail.length, state.readable)
}

/** Of these it has the tree: what is on its way to its Hypercore is hashed there. All of a feed that others sign, or that is frozen, or new. */
export function hashedLength(state: FeedState): number {
  const isOnItsWay = signsAlone(state) && state.frozen === undefined && state.stored > 0
  return isOnItsWay ? Math.min(state.stored, visibleLength(state)) : visibleLength(state)
}

/** Stops writing to a feed; its first `readable` blocks stay readable. */
export function freeze(state: FeedState, failure: Failure, readable: number): void {
  state.frozen ??= failure
  state.readable = Math.min(state.readable, readable)
}

/** Whether this node signs it whenever it likes; else heads come with blocks. */
export function signsAlone({ own, feed }: FeedState): boolean {
  return own && feed.signers.length === 1
}

/** Whether block `index` is of the prologue: proven by the feed's key, and signed by nobody. */
export function isInPrologue({ feed: { prologue } }: FeedState, index: number): boolean {
  return prologue !== undefined && index < prologue.length
}

/** Whether its head takes signatures of several: they come with the blocks. */
export function isShared({ feed }: FeedState): boolean {
  return feed.signers.length > 1
}

/** Whether forgetting this state would lose nothing. */
export function isQuiet(state: FeedState): boolean {
  return state.tail.length === 0 && !state.appending && state.users === 0 && state.frozen === undefined
}
