import Verifier from 'hypercore/lib/verifier.js'
import type { HypercoreKeyPair } from 'hypercore'
import type { FeedHead, FeedSubtree, FeedTrees, PieceBounds, SignedBlocks, SignedPrefix } from '../../protocol/index.ts'
import { endOf, type FeedEnd, placesBetween, subtree, subtreesOf, treeFrom, treeWith } from './feed-end.ts'
import { keyOf, manifestOf } from './feed-manifest.ts'
import type { FeedReader } from './feed-reader.ts'
import { type FeedState, isInPrologue, signsAlone, visibleLength } from './feed-state.ts'
import { onlySignature } from './only-signature.ts'
import type { OpenFeeds } from './open-feeds.ts'
import type { WriteBehind } from './write-behind.ts'

/** Blocks that are read before it is known how large they are. */
const READ_FIRST = 4

export interface FeedProofsParts {
  readonly feeds: OpenFeeds
  readonly behind: WriteBehind
  readonly trees: FeedTrees
  readonly reader: FeedReader
  readonly keyPair: HypercoreKeyPair
}

/**
 * What proves the blocks of feeds. A feed of our own is signed for whoever asks, at any length that is durable, before
 * it is written to its Hypercore, which will hold the same signature; of others, the head that came with it is handed on.
 * The state must be loaded and held on to.
 */
export class FeedProofs {
  readonly #parts: FeedProofsParts

  constructor(parts: FeedProofsParts) {
    this.#parts = parts
  }

  /** The newest head whose blocks are all here; nothing, if there is none. */
  async head(state: FeedState): Promise<FeedHead | undefined> {
    const length = visibleLength(state)
    if (length === 0) return undefined
    if (isInPrologue(state, length - 1)) return prologueHead(state, length)
    if (state.head?.length === length) return state.head
    if (signsAlone(state)) return this.#sign(state, await this.end(state, length))
    const stored = await this.#parts.feeds.head(state)
    if (stored === undefined || stored.length < (state.head?.length ?? 0)) return undefined
    state.head = stored
    return stored.length === visibleLength(state) ? stored : undefined
  }

  /** See `Log.signed`. */
  async signed(state: FeedState, from: number, bounds: PieceBounds): Promise<SignedBlocks | undefined> {
    const blocks = await this.#upTo(state, from, bounds)
    const proof = blocks.length === 0 ? undefined : await this.#cover(state, from + blocks.length)
    return proof && { from, blocks, ...proof }
  }

  /** Visible blocks from `from` on, one at least. */
  async #upTo(state: FeedState, from: number, bounds: PieceBounds): Promise<readonly Uint8Array[]> {
    // A piece of a prologue is proven by its end.
    const whole = isInPrologue(state, from) ? (state.feed.prologue?.length ?? 0) : Number.POSITIVE_INFINITY
    const end = Math.min(visibleLength(state), whole, from + bounds.blocks)
    const blocks: Uint8Array[] = []
    let bytes = 0
    for (let together = READ_FIRST; from + blocks.length < end; ) {
      const at = from + blocks.length
      for (const block of await this.#parts.reader.read(state, at, Math.min(end, at + together))) {
        bytes += block.length
        if (bytes > bounds.bytes && blocks.length > 0) return blocks
        blocks.push(block)
      }
      // As many more as fit, if they are like these.
      together = Math.ceil(((bounds.bytes - bytes) * blocks.length) / Math.max(bytes, 1))
      if (together < 1) break
    }
    return blocks
  }

  /** See `Log.prefix`. */
  async prefix(state: FeedState, length: number): Promise<SignedPrefix | undefined> {
    if (length < 1 || length > visibleLength(state)) return undefined
    const proof = await this.#cover(state, length)
    return proof && { length, roots: subtreesOf(await this.end(state, length)), ...proof }
  }

  /** The tree of the first `length` blocks, which are visible. */
  async end(state: FeedState, length: number): Promise<FeedEnd> {
    const { tree } = state
    if (tree?.length === length) return tree
    // What is in memory moves to the disk meanwhile, so it is taken first.
    const { stored } = state
    const tail = state.tail.map(({ bytes }) => bytes)
    const isNear = tree !== undefined && tree.length < length && tree.length >= stored
    const base = isNear ? tree : await this.#parts.feeds.end(state, Math.min(stored, length))
    const end = endOf(treeWith(base, tail.slice(base.length - stored, Math.max(0, length - stored))))
    if (length > (state.tree?.length ?? -1)) state.tree = end
    return end
  }

  /** A head that covers the first `length` blocks, and the subtrees behind them that it covers too. */
  async #cover(state: FeedState, length: number): Promise<Pick<SignedBlocks, 'head' | 'rest'> | undefined> {
    const { behind, feeds } = this.#parts
    if (isInPrologue(state, length - 1)) return this.#coverPrologue(state, length)
    if (signsAlone(state)) return { head: this.#sign(state, await this.end(state, length)), rest: [] }
    if (state.head?.length === length) return { head: state.head, rest: [] }
    // The subtrees behind it are on disk once all that was taken over is.
    await behind.bring(state)
    const head = await feeds.head(state)
    if (head === undefined || head.length < length) return undefined
    const rest = await this.#subtrees(state, length, head.length)
    return rest && { head, rest }
  }

  /** The same of the first blocks of a prologue: its end covers them. */
  async #coverPrologue(state: FeedState, length: number): Promise<Pick<SignedBlocks, 'head' | 'rest'> | undefined> {
    await this.#parts.behind.bring(state)
    const end = state.feed.prologue?.length ?? 0
    const rest = await this.#subtrees(state, length, end)
    return rest && { head: { length: end, signature: NO_SIGNATURE }, rest }
  }

  /** The subtrees that cover blocks [from, to), which the head of the feed covers; nothing, if one is not on disk. */
  async #subtrees(state: FeedState, from: number, to: number): Promise<readonly FeedSubtree[] | undefined> {
    const places = placesBetween(from, to)
    const nodes = await this.#parts.trees.nodes(
      state.feed,
      places.map(({ index }) => index),
    )
    const subtrees = places.flatMap(({ leaves }, at) => {
      const node = nodes[at]
      return node === undefined ? [] : [subtree(leaves, node.size, node.hash)]
    })
    return subtrees.length === places.length ? subtrees : undefined
  }

  #sign(state: FeedState, end: FeedEnd): FeedHead {
    if (state.head?.length === end.length) return state.head
    const verifier = new Verifier(keyOf(state.feed), manifestOf(state.feed))
    const signature = onlySignature(verifier.sign(treeFrom(end), this.#parts.keyPair))
    const head = { length: end.length, signature }
    if (end.length > (state.head?.length ?? 0)) state.head = head
    return head
  }
}

const NO_SIGNATURE = new Uint8Array(0)

/** The head of a feed that has nothing but its prologue: nobody signs it. Nothing, if it has not even all of that. */
function prologueHead({ feed: { prologue } }: FeedState, length: number): FeedHead | undefined {
  return length === prologue?.length ? { length, signature: NO_SIGNATURE } : undefined
}
