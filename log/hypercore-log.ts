/**
 * The log of a node, on Hypercore.
 *
 * 1. The journal is the truth for what was acknowledged and may not be safe in its feed yet. A receipt waits
 *    for the journal alone (docs/decisions/0002).
 * 2. Blocks reach their Hypercores behind that, in order; readers see them at once, from memory.
 * 3. A segment of the journal goes only when all its blocks are in fsynced feeds and indexes.
 * 4. A feed that contradicts the journal is never written to again; its readable part stays served.
 */
import {
  type Directory,
  equalBytes,
  Failure,
  type FeedHead,
  type FeedSpec,
  type Log,
  type MessageIndex,
  type NewBlock,
} from '../protocol/index.ts'
import { keyOf } from './feed-manifest.ts'
import { type FeedState, freeze, visibleLength } from './feed-state.ts'
import type { FeedStates, FrozenFeed } from './feed-states.ts'
import { GroupCommit, type PlacedBlock, refuseUnsigned } from './group-commit.ts'
import type { Journal } from './journal.ts'
import type { StoredMessageIndex } from './message-index.ts'
import type { OpenFeeds } from './open-feeds.ts'
import { openLog, type OpenLogOptions } from './open-log.ts'
import type { ProcessDirectory } from './process-directory.ts'
import type { RocksStore } from './rocks-store.ts'
import type { SegmentKeeper } from './segment-keeper.ts'
import { StoredTrees } from './stored-trees.ts'
import type { WriteBehind } from './write-behind.ts'

/** Blocks that are read at once when a reader walks along a feed. */
const READ_TOGETHER = 64
const DONE = Promise.resolve()

export interface HypercoreLogParts {
  readonly feeds: OpenFeeds
  readonly states: FeedStates
  readonly behind: WriteBehind
  readonly journal: Journal
  readonly keeper: SegmentKeeper
  readonly store: RocksStore
  readonly messages: StoredMessageIndex
  readonly processes: ProcessDirectory
  readonly directory: Directory
  readonly recovered: readonly NewBlock[]
}

export class HypercoreLog implements Log {
  readonly messages: MessageIndex
  readonly directory: Directory
  readonly store: RocksStore
  readonly trees: StoredTrees
  readonly #parts: HypercoreLogParts
  readonly #group: GroupCommit
  #recovered: readonly NewBlock[]
  #closed: Promise<void> | undefined

  private constructor(parts: HypercoreLogParts) {
    this.#parts = parts
    this.#recovered = parts.recovered
    this.messages = parts.messages
    this.directory = parts.directory
    this.store = parts.store
    this.trees = new StoredTrees(parts)
    this.#group = new GroupCommit({
      journal: parts.journal,
      onDurable: (blocks, generation) => this.#onDurable(blocks, generation),
    })
  }

  /**
   * Opens the log in `directory`, or makes it.
   * @throws {Failure} `data-folder-locked`, `data-folder-moved` (unless `acceptRestored`), `data-folder-damaged`
   */
  static async open(options: OpenLogOptions): Promise<HypercoreLog> {
    return new HypercoreLog(await openLog(options))
  }

  get recovered(): readonly NewBlock[] {
    return this.#recovered
  }

  forgetRecovered(): void {
    this.#recovered = []
  }

  /** Feeds that are not written to: a gap or a contradiction was found. */
  get frozen(): readonly FrozenFeed[] {
    return this.#parts.states.frozen()
  }

  /** The Corestore below, for replication. A new one after the disk was full, so ask each time. */
  get corestore(): OpenFeeds['corestore'] {
    return this.#parts.feeds.corestore
  }

  /** Figures for metrics: groups made durable, bytes waiting for their feeds, Hypercores open, feeds known. */
  get figures(): {
    groups: number
    behindBytes: number
    openFeeds: number
    knownFeeds: number
    segment: number
  } {
    const { journal, behind, feeds, states } = this.#parts
    return {
      groups: journal.groups,
      behindBytes: behind.bytes,
      openFeeds: feeds.openCount,
      knownFeeds: states.size,
      segment: journal.generation,
    }
  }

  commit(blocks: readonly NewBlock[]): Promise<void> {
    if (blocks.length === 0) return DONE
    try {
      const placed = blocks.map(block => ({ state: this.#writable(block.feed, 'messages', 'votes'), block }))
      refuseUnsigned(placed)
      // The path of every message: what can be done without a wait is.
      const isAtHand = this.#hasRoom && placed.every(({ state }) => state.known)
      return isAtHand ? this.#group.commit(placed) : this.#commitLater(placed)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #commitLater(placed: readonly PlacedBlock[]): Promise<void> {
    for (const { state } of placed) state.users++
    try {
      for (const { state } of placed)
        if (!state.known) await this.#parts.states.load(state, this.#parts.feeds)
      await this.#room()
      this.#refuseIfClosed()
      await this.#group.commit(placed)
    } finally {
      for (const { state } of placed) state.users--
    }
  }

  append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    if (blocks.length === 0) return DONE
    try {
      const state = this.#writable(feed, 'results')
      const isAtHand = state.known && state.users === 0 && this.#hasRoom
      if (!isAtHand || index !== visibleLength(state))
        return this.#appendLater(state, index, blocks)
      for (const bytes of blocks) this.#parts.behind.add(state, { bytes, generation: 0 })
      return DONE
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #appendLater(
    state: FeedState,
    index: number,
    blocks: readonly Uint8Array[],
  ): Promise<void> {
    state.users++
    try {
      const turn = state.turn.then(() => this.#appendInTurn(state, index, blocks))
      state.turn = turn.catch(() => undefined)
      await turn
    } finally {
      state.users--
    }
  }

  async length(feed: FeedSpec): Promise<number> {
    return await this.#lengthOf(this.#parts.states.of(feed))
  }

  async block(feed: FeedSpec, index: number): Promise<Uint8Array | undefined> {
    const state = this.#parts.states.of(feed)
    if (index >= (await this.#lengthOf(state))) return undefined
    const [block] = await this.#read(state, index, index + 1)
    return block
  }

  async *blocks(feed: FeedSpec, from: number, to?: number): AsyncIterable<Uint8Array> {
    const state = this.#parts.states.of(feed)
    const end = Math.min(to ?? Number.POSITIVE_INFINITY, await this.#lengthOf(state))
    for (let at = from; at < end; at += READ_TOGETHER) {
      yield* await this.#read(state, at, Math.min(end, at + READ_TOGETHER))
    }
  }

  async head(feed: FeedSpec): Promise<FeedHead | undefined> {
    this.#refuseIfClosed()
    const { behind, feeds, states } = this.#parts
    const state = states.of(feed)
    if (!state.own) return undefined
    state.users++
    try {
      if ((await this.#lengthOf(state)) === 0) return undefined
      await behind.bring(state)
      return await feeds.head(state)
    } finally {
      state.users--
    }
  }

  feedKey(feed: FeedSpec): Uint8Array {
    return new Uint8Array(keyOf(feed))
  }

  /** Resolves when all that was committed and appended so far is in feeds and databases. */
  async drain(): Promise<void> {
    const { behind, keeper, messages, processes, store } = this.#parts
    await behind.drain()
    await messages.flush()
    await processes.flush()
    await store.flush()
    await keeper.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #writable(feed: FeedSpec, ...kinds: readonly FeedSpec['kind'][]): FeedState {
    this.#refuseIfClosed()
    if (!kinds.includes(feed.kind)) throw new TypeError(`not a feed of ${kinds}: ${feed.kind}`)
    const state = this.#parts.states.of(feed)
    if (state.frozen !== undefined) throw state.frozen
    if (!state.own)
      throw new Failure(
        'not-scheduler',
        { process: feed.process },
        { note: 'the feed is signed by others' },
      )
    return state
  }

  #refuseIfClosed(): void {
    if (this.#closed !== undefined) throw new Failure('shutting-down')
  }

  get #hasRoom(): boolean {
    return this.#parts.behind.hasRoom && this.#parts.store.hasRoom
  }

  async #room(): Promise<void> {
    await this.#parts.behind.room()
    await this.#parts.store.settled()
  }

  #onDurable(blocks: readonly PlacedBlock[], generation: number): void {
    const { keeper, behind, messages } = this.#parts
    keeper.added(generation, blocks.length)
    for (const { state, block } of blocks) {
      behind.add(state, { bytes: block.bytes, generation, signature: block.signature })
      if (block.feed.kind === 'messages') messages.add(block)
    }
  }

  async #appendInTurn(
    state: FeedState,
    index: number,
    blocks: readonly Uint8Array[],
  ): Promise<void> {
    if (!state.known) await this.#parts.states.load(state, this.#parts.feeds)
    await this.#room()
    if (state.frozen !== undefined) throw state.frozen
    const { process } = state.feed
    const length = visibleLength(state)
    if (index > length)
      throw new Failure('feed-frozen', { process, expected: length, index }, { note: 'a gap' })
    const known = Math.min(blocks.length, length - index)
    const present = known > 0 ? await this.#read(state, index, index + known) : []
    for (const [at, held] of present.entries()) {
      const given = blocks[at]
      if (given !== undefined && equalBytes(held, given)) continue
      const failure = new Failure(
        'feed-frozen',
        { process, index: index + at },
        { note: 'it holds another block there' },
      )
      this.#freeze(state, failure)
      throw failure
    }
    this.#refuseIfClosed()
    for (const bytes of blocks.slice(known)) this.#parts.behind.add(state, { bytes, generation: 0 })
  }

  #freeze(state: FeedState, failure: Failure): void {
    freeze(state, failure, visibleLength(state))
  }

  async #lengthOf(state: FeedState): Promise<number> {
    const { feeds, states } = this.#parts
    if (!state.own) return await feeds.liveLength(state)
    if (!state.known) await states.load(state, feeds)
    return visibleLength(state)
  }

  /** Blocks [from, to), which must be visible. */
  async #read(state: FeedState, from: number, to: number): Promise<readonly Uint8Array[]> {
    // The tail moves to the disk while we read, so what is there now is taken first.
    const stored = state.own ? Math.min(state.stored, to) : to
    const tail = state.tail.slice(Math.max(0, from - state.stored), Math.max(0, to - state.stored))
    const blocks: Uint8Array[] = []
    if (from < stored) {
      for (const block of await this.#parts.feeds.read(state, from, stored)) {
        if (block === undefined) {
          if (!state.own) return blocks
          const details = { process: state.feed.process, index: from + blocks.length }
          throw new Failure('data-folder-damaged', details, { note: 'a block cannot be read' })
        }
        blocks.push(block)
      }
    }
    for (const { bytes } of tail) blocks.push(bytes)
    return blocks
  }

  async #close(): Promise<void> {
    const { behind, journal, keeper, messages, processes, store, feeds } = this.#parts
    const errors: unknown[] = []
    const step = async (run: () => Promise<void>): Promise<void> => {
      try {
        await run()
      } catch (error) {
        errors.push(error)
      }
    }
    await this.#group.drain()
    await step(() => behind[Symbol.asyncDispose]())
    await step(async () => {
      await keeper.drain()
      await journal.rotate()
      await keeper.drop()
    })
    await step(() => messages.close())
    await step(() => processes.close())
    await step(() => journal[Symbol.asyncDispose]())
    await step(() => store[Symbol.asyncDispose]())
    await step(() => feeds[Symbol.asyncDispose]())
    if (errors.length > 0)
      throw new AggregateError(
        errors,
        'the log did not close cleanly; its journal keeps what was acknowledged',
      )
  }
}
