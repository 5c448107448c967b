/**
 * The log of a node, on Hypercore.
 *
 * 1. The journal is the truth for what was acknowledged and may not be safe in its feed yet. A receipt waits
 *    for the journal alone (docs/decisions/0002).
 * 2. Blocks reach their Hypercores behind that, in order; readers see them at once, from memory.
 * 3. A segment of the journal goes only when all its blocks are in fsynced feeds and indexes.
 * 4. A feed that contradicts the journal is never written to again; its readable part stays served.
 */
import type { Duplex } from 'node:stream'
import {
  type Commitment,
  type Directory,
  Failure,
  type FeedConflict,
  type FeedGrowth,
  type FeedHead,
  type FeedSpec,
  type Log,
  type MessageIndex,
  type NewBlock,
  type PieceBounds,
  type SignedBlocks,
  type SignedPrefix,
  type TakeAnswer,
} from '../protocol/index.ts'
import { keyOf } from './feeds/feed-manifest.ts'
import { type FeedState, freeze, hashedLength, isInPrologue, visibleLength } from './feeds/feed-state.ts'
import type { FeedStates, FrozenFeed } from './feeds/feed-states.ts'
import { backUp } from './back-up.ts'
import { closeLog } from './close-log.ts'
import { figuresOf, type LogFigures } from './figures.ts'
import { GroupCommit, type PlacedBlock, refuseUnsigned } from './journal/group-commit.ts'
import type { FeedProofs } from './feeds/feed-proofs.ts'
import type { FeedReader } from './feeds/feed-reader.ts'
import type { GrowthWatchers } from './feeds/growth-watchers.ts'
import type { Journal } from './journal/journal.ts'
import type { StoredMessageIndex } from './store/message-index.ts'
import type { OpenFeeds } from './feeds/open-feeds.ts'
import { openLog, type OpenLogOptions } from './open-log.ts'
import type { ProcessDirectory } from './store/process-directory.ts'
import type { Replication } from './feeds/replication.ts'
import { Replicas } from './feeds/replicas.ts'
import type { ReplicaIndex } from './store/replica-index.ts'
import { ResultsFeeds } from './feeds/results-feeds.ts'
import type { RocksStore } from './store/rocks-store.ts'
import type { SegmentKeeper } from './journal/segment-keeper.ts'
import type { StoredTrees } from './feeds/stored-trees.ts'
import type { WriteBehind } from './feeds/write-behind.ts'

const DONE = Promise.resolve()

export interface HypercoreLogParts {
  readonly feeds: OpenFeeds
  readonly states: FeedStates
  readonly reader: FeedReader
  readonly trees: StoredTrees
  readonly proofs: FeedProofs
  readonly replicaIndex: ReplicaIndex
  readonly watchers: GrowthWatchers
  readonly replication: Replication
  readonly behind: WriteBehind
  readonly journal: Journal
  readonly keeper: SegmentKeeper
  readonly store: RocksStore
  readonly messages: StoredMessageIndex
  readonly processes: ProcessDirectory
  readonly directory: Directory
  readonly recovered: readonly NewBlock[]
  /** The data folder, absolute. */
  readonly folder: string
  readonly restored: boolean
}

export class HypercoreLog implements Log {
  readonly messages: MessageIndex
  readonly directory: Directory
  readonly store: RocksStore
  readonly trees: StoredTrees
  readonly restored: boolean
  readonly #parts: HypercoreLogParts
  readonly #group: GroupCommit
  readonly #replicas: Replicas
  readonly #results: ResultsFeeds
  #recovered: readonly NewBlock[]
  #closed: Promise<void> | undefined

  private constructor(parts: HypercoreLogParts) {
    this.#parts = parts
    this.#recovered = parts.recovered
    this.messages = parts.messages
    this.directory = parts.directory
    this.store = parts.store
    this.restored = parts.restored
    const { reader, watchers } = parts
    this.trees = parts.trees
    this.#results = new ResultsFeeds(parts)
    this.#replicas = new Replicas({
      ...parts,
      read: (state, from, to) => reader.read(state, from, to),
      grew: (state, from, blocks) => {
        watchers.tell(state, blocks)
        parts.replicaIndex.add(state.feed, from, blocks)
      },
    })
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

  freeze(feed: FeedSpec, length: number, why: Failure): void {
    freeze(Object.assign(this.#parts.states.of(feed), { frozen: why }), why, length)
  }

  /** Feeds that are not written to: a gap or a contradiction was found. */
  get frozen(): readonly FrozenFeed[] {
    return this.#parts.states.frozen()
  }

  /** The Corestore below, for replication. A new one after the disk was full, so ask each time. */
  get corestore(): OpenFeeds['corestore'] {
    return this.#parts.feeds.corestore
  }

  /** Gives feeds to the Hypercores of whoever opened a stream of bytes, as long as it lasts. */
  replicate(stream: Duplex): void {
    this.#parts.replication.serve(stream)
  }

  /** Copies all of it into a new folder, as it is at one moment; commits wait meanwhile. @throws {Failure} `already-there`, `disk-full` */
  backUp(target: string): Promise<void> {
    return backUp(this.#parts, this.#group, target)
  }

  /** Figures for metrics. */
  get figures(): LogFigures {
    return figuresOf(this.#parts)
  }

  commit(blocks: readonly NewBlock[], commitment?: Commitment): Promise<void> {
    if (blocks.length === 0) return DONE
    try {
      const placed = blocks.map(block => ({ state: this.#writable(block.feed, 'messages', 'votes'), block }))
      refuseUnsigned(placed)
      // The path of every message: what can be done without a wait is.
      const isAtHand = this.#hasRoom && placed.every(({ state }) => state.known)
      return isAtHand ? this.#group.commit(placed, commitment) : this.#commitLater(placed, commitment)
    } catch (error) {
      commitment?.settle('failed')
      return Promise.reject(error)
    }
  }

  async #commitLater(placed: readonly PlacedBlock[], commitment: Commitment | undefined): Promise<void> {
    for (const { state } of placed) state.users++
    try {
      for (const { state } of placed) if (!state.known) await this.#parts.states.load(state, this.#parts.feeds)
      await this.#room()
      this.#refuseIfClosed()
      await this.#group.commit(placed, commitment)
    } catch (error) {
      commitment?.settle('failed')
      throw error
    } finally {
      for (const { state } of placed) state.users--
    }
  }

  append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    if (blocks.length === 0) return DONE
    try {
      const state = this.#writable(feed, 'results')
      if (this.#hasRoom && this.#results.appendAtHand(state, index, blocks)) return DONE
      return this.#inTurn(state, () => this.#results.append(state, index, blocks))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async length(feed: FeedSpec): Promise<number> {
    return await this.#parts.reader.length(this.#parts.states.of(feed))
  }

  async block(feed: FeedSpec, index: number): Promise<Uint8Array | undefined> {
    const state = this.#parts.states.of(feed)
    if (index >= (await this.#parts.reader.length(state))) return undefined
    const [block] = await this.#parts.reader.read(state, index, index + 1)
    return block
  }

  blocks(feed: FeedSpec, from: number, to = Number.POSITIVE_INFINITY): AsyncIterable<Uint8Array> {
    return this.#parts.reader.walk(this.#parts.states.of(feed), from, to)
  }

  head(feed: FeedSpec): Promise<FeedHead | undefined> {
    return this.#held(feed, state => this.#parts.proofs.head(state))
  }

  take(feed: FeedSpec, piece: SignedBlocks): Promise<TakeAnswer> {
    const state = this.#parts.states.of(feed)
    return this.#inTurn(state, () => {
      if (state.own && !isInPrologue(state, visibleLength(state)))
        throw new TypeError('expected a feed that others sign')
      return this.#replicas.take(state, piece)
    })
  }

  compare(feed: FeedSpec, seen: SignedPrefix): Promise<FeedConflict | undefined> {
    const state = this.#parts.states.of(feed)
    return this.#inTurn(state, () => this.#replicas.compare(state, seen))
  }

  async sync(): Promise<void> {
    const { behind, messages, store, feeds } = this.#parts
    await behind.drain()
    await messages.flush()
    await store.sync()
    await feeds.sync()
  }

  signed(feed: FeedSpec, from: number, bounds: PieceBounds): Promise<SignedBlocks | undefined> {
    return this.#held(feed, state => this.#parts.proofs.signed(state, from, bounds))
  }

  prefix(feed: FeedSpec, length?: number): Promise<SignedPrefix | undefined> {
    return this.#held(feed, state => this.#parts.proofs.prefix(state, length ?? hashedLength(state)))
  }

  hold(feed: FeedSpec): Disposable {
    return this.#parts.states.hold(feed)
  }

  watch(grew: (growth: FeedGrowth) => void): Disposable {
    return this.#parts.watchers.add(grew)
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
    this.#closed ??= closeLog(this.#parts, this.#group)
    return this.#closed
  }

  #writable(feed: FeedSpec, ...kinds: readonly FeedSpec['kind'][]): FeedState {
    this.#refuseIfClosed()
    if (!kinds.includes(feed.kind)) throw new TypeError(`not a feed of ${kinds}: ${feed.kind}`)
    const state = this.#parts.states.of(feed)
    if (state.frozen !== undefined) throw state.frozen
    if (!state.own)
      throw new Failure('not-scheduler', { process: feed.process }, { note: 'the feed is signed by others' })
    return state
  }

  /** Holds on to the state of a feed, loaded, across the waits of a call. */
  async #held<T>(feed: FeedSpec, body: (state: FeedState) => Promise<T>): Promise<T> {
    this.#refuseIfClosed()
    const state = this.#parts.states.of(feed)
    state.users++
    try {
      await this.#parts.reader.length(state)
      return await body(state)
    } finally {
      state.users--
    }
  }

  /** Has `body` done with the state of a feed, loaded, after what was begun before for the same feed. */
  async #inTurn<T>(state: FeedState, body: () => Promise<T>): Promise<T> {
    this.#refuseIfClosed()
    state.users++
    const turn = state.turn.then(async () => {
      await this.#parts.reader.length(state)
      await this.#room()
      this.#refuseIfClosed()
      return body()
    })
    state.turn = turn.then(ignore, ignore)
    try {
      return await turn
    } finally {
      state.users--
    }
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
    const { keeper, behind, messages, watchers } = this.#parts
    keeper.added(generation, blocks.length)
    for (const { state, block } of blocks) {
      const { bytes, signature } = block
      behind.add(state, { bytes, generation, proof: signature && { signature, rest: [] } })
      if (signature !== undefined) state.head = { length: visibleLength(state), signature }
      if (block.feed.kind === 'messages') messages.add(block)
      watchers.tell(state, [bytes])
    }
  }
}

const ignore = (): void => undefined
