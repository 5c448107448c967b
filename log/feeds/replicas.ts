/**
 * Feeds that others sign, taken over.
 *
 * 1. Nothing is kept that a head by the feed's signers does not cover, together with all that stands before it here.
 *    One signature speaks for a whole piece; what is kept is read from this log alone, and hashed once.
 * 2. A head that holds and contradicts what is held is two feeds of one key. Both sides are handed to whoever asked;
 *    nothing is written any more, and what is held stays readable.
 * 3. Whose bytes prove nothing has shown nothing: the feed goes on, taken over from somebody else.
 */
import {
  equalBytes,
  Failure,
  type FeedConflict,
  feedHeadHolds,
  type FeedSpec,
  type FeedSubtree,
  type SignedBlocks,
  signedBlocksHold,
  type SignedPrefix,
  signedPrefixHash,
  type TakeAnswer,
} from '../../protocol/index.ts'
import { appendSubtrees, EMPTY_FEED, endOf, type FeedEnd, subtree, subtreesOf, treeFrom, treeWith } from './feed-end.ts'
import type { FeedProofs } from './feed-proofs.ts'
import { type FeedState, freeze, isInPrologue, visibleLength } from './feed-state.ts'
import type { WriteBehind } from './write-behind.ts'

export interface ReplicasParts {
  readonly behind: WriteBehind
  readonly proofs: FeedProofs
  /** Blocks [from, to), which are visible. */
  readonly read: (state: FeedState, from: number, to: number) => Promise<readonly Uint8Array[]>
  /** Blocks were added behind a feed. */
  readonly grew: (state: FeedState, from: number, blocks: readonly Uint8Array[]) => void
}

export class Replicas {
  readonly #parts: ReplicasParts

  constructor(parts: ReplicasParts) {
    this.#parts = parts
  }

  /** See `Log.take`. The state is loaded and held on to, and no other call of this is at work on it. */
  async take(state: FeedState, piece: SignedBlocks): Promise<TakeAnswer> {
    if (state.frozen !== undefined) throw state.frozen
    const length = visibleLength(state)
    if (piece.from > length) return { status: 'gap', length }
    const held = Math.min(length - piece.from, piece.blocks.length)
    const present = held === 0 ? [] : await this.#parts.read(state, piece.from, piece.from + held)
    const other = present.findIndex((block, at) => !equalBytes(block, piece.blocks[at] ?? NOTHING))
    if (other >= 0) return this.#differs(state, piece, piece.from + other)
    if (held === piece.blocks.length) return { status: 'taken', length }
    // What its signers say of a prologue counts for nothing: its end is known, and must come with it.
    if (isInPrologue(state, length) && piece.head.length !== state.feed.prologue?.length)
      return { status: 'unproven', length }
    const news = piece.blocks.slice(held)
    const end = await this.#parts.proofs.end(state, length)
    const now = verified(state.feed, end, news, piece)
    if (now === undefined) return { status: 'unproven', length }
    const { signature } = piece.head
    for (const [at, bytes] of news.entries()) {
      const proof = at === news.length - 1 ? { signature, rest: piece.rest } : undefined
      this.#parts.behind.add(state, { bytes, generation: 0, proof })
    }
    state.tree = now
    if (piece.head.length >= (state.head?.length ?? 0)) state.head = piece.head
    this.#parts.grew(state, length, news)
    return { status: 'taken', length: now.length }
  }

  /** See `Log.compare`. */
  async compare(state: FeedState, seen: SignedPrefix): Promise<FeedConflict | undefined> {
    const held = await this.#parts.proofs.prefix(state, seen.length)
    const hash = held && signedPrefixHash(state.feed, seen)
    if (held === undefined || hash === undefined) return undefined
    const end = await this.#parts.proofs.end(state, seen.length)
    if (equalBytes(hash, treeFrom(end).hash())) return undefined
    const conflict = { feed: state.feed, held, seen }
    stop(state, visibleLength(state))
    return conflict
  }

  /** A piece holds another block at `index` than we do: does its head hold? */
  async #differs(state: FeedState, piece: SignedBlocks, index: number): Promise<TakeAnswer> {
    const length = visibleLength(state)
    const before = await this.#parts.proofs.end(state, piece.from)
    const tree = signedBlocksHold(state.feed, subtreesOf(before), piece)
    const both = index + 1
    const held = await this.#parts.proofs.prefix(state, both)
    if (tree === undefined || held === undefined) return { status: 'unproven', length }
    const shared = both - piece.from
    const seen: SignedPrefix = {
      length: both,
      roots: subtreesOf(endOf(treeWith(before, piece.blocks.slice(0, shared)))),
      head: piece.head,
      rest: [...piece.blocks.slice(shared).map(leafOf), ...piece.rest],
    }
    stop(state, index)
    return { status: 'conflict', length: index, conflict: { feed: state.feed, held, seen } }
  }
}

const NOTHING = new Uint8Array(0)

/** A block as a subtree of its own. */
function leafOf(block: Uint8Array): FeedSubtree {
  const [leaf] = endOf(treeWith(EMPTY_FEED, [block])).roots
  return subtree(1, block.length, leaf?.hash ?? NOTHING)
}

/** Where the feed ends with `news`, if the head of the piece covers all of it. */
function verified(feed: FeedSpec, end: FeedEnd, news: readonly Uint8Array[], piece: SignedBlocks): FeedEnd | undefined {
  const tree = treeWith(end, news)
  const now = endOf(tree)
  if (!appendSubtrees(tree, piece.rest)) return undefined
  return feedHeadHolds(feed, tree, piece.head) ? now : undefined
}

/** Nothing is written any more; the first `readable` blocks stay served. */
function stop(state: FeedState, readable: number): void {
  const details = { process: state.feed.process, index: readable }
  freeze(state, new Failure('feed-frozen', details, { note: 'its signers signed two' }), readable)
}
