import {
  type Commitment,
  ed25519Sign,
  equalBytes,
  Failure,
  type FeedConflict,
  type FeedGrowth,
  type FeedHead,
  feedHeadMessage,
  type FeedSpec,
  type Log,
  type NewBlock,
  type PieceBounds,
  type SignedBlocks,
  signedBlocksHold,
  type SignedPrefix,
  signedPrefixHash,
  type TakeAnswer,
} from '../../protocol/index.ts'
import { keyOf, nameOf } from './feed-names.ts'
import { CommitGroup, founded } from './commit-group.ts'
import { MemoryBlocks } from './memory-blocks.ts'
import { MemoryDirectory } from './memory-directory.ts'
import { MemoryFeed } from './memory-feed.ts'
import { MemoryIndex } from './memory-index.ts'
import { MemoryJournal } from './memory-journal.ts'
import { endOf, type GivenHead, givenHead, placesIn, prefixIn, sameBlocks, standingIds } from './memory-proofs.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryTrees } from './memory-trees.ts'
import { UnsyncedWrites } from './unsynced-writes.ts'

export interface MemoryLogOptions {
  /** Opened as after a crash of that log: what was committed is there, and all caches are gone. */
  readonly from?: MemoryLog
  /** Waited for on the way to disk, before and after a commit becomes durable. */
  readonly pause?: (() => Promise<void>) | undefined
}

/**
 * A log without a disk. What was committed survives `crash`; of what was only written, the last may be lost,
 * in order: as with a journal that is fsynced, and a database that is not. Passes test/conformance/log.ts.
 */
export class MemoryLog implements Log {
  recovered: readonly NewBlock[] = []
  readonly feedKey = keyOf
  readonly messages = new MemoryIndex()
  readonly directory: MemoryDirectory
  readonly store: MemoryStore
  readonly trees = new MemoryTrees(feed => this.#feedOf(feed))
  /** Commits that were given so far. */
  commits = 0
  /** How often a feed is held now. */
  held = 0
  readonly #feeds = new Map<string, MemoryFeed>()
  /** Heads of feeds that were taken over, or signed by several, and how many blocks came before what else they cover. */
  readonly #proofs = new Map<string, GivenHead>()
  readonly #frozen = new Map<string, Failure>()
  readonly #watchers = new Set<(growth: FeedGrowth) => void>()
  readonly #blocks: MemoryBlocks
  readonly #journal: MemoryJournal
  readonly #group = new CommitGroup(
    () => this.#turn(),
    blocks => this.#write(blocks),
  )
  readonly #pause: (() => Promise<void>) | undefined
  readonly #unsynced = new UnsyncedWrites()
  #fault: Failure | undefined
  #closed = false
  /** Its machine is down: whoever waits for it waits for ever. */
  #down = false
  #seed: Uint8Array | undefined

  private constructor(options: MemoryLogOptions, caches?: MemoryLog) {
    this.#pause = options.pause
    const before = caches ?? options.from
    if (before !== undefined) this.#seed = before.#seed
    this.#blocks = before === undefined ? new MemoryBlocks() : before.#blocks
    this.#journal = new MemoryJournal(this.#blocks)
    this.directory = new MemoryDirectory(caches?.directory, before?.directory.epochs)
    const wrote = (undo: () => void): void => this.#wrote(undo)
    this.store = new MemoryStore(caches === undefined ? { wrote } : { from: caches.store, wrote })
  }

  /** An empty log, or what stands on the disk of another. */
  static open(options: MemoryLogOptions = {}): MemoryLog {
    const log = new MemoryLog(options)
    if (options.from !== undefined) log.#takeOver(options.from)
    log.recovered = log.#journal.messages()
    return log
  }

  /** The same log once more, as it is now; the two go on apart. */
  copy(options: Pick<MemoryLogOptions, 'pause'> = {}): MemoryLog {
    const log = new MemoryLog(options, this)
    log.#takeOver(this)
    for (const [name, feed] of this.#feeds) log.#feeds.set(name, feed.copy())
    for (const [name, failure] of this.#frozen) log.#frozen.set(name, failure)
    log.recovered = this.recovered
    return log
  }

  /** What was committed, and its proofs. */
  #takeOver(from: MemoryLog): void {
    for (const { block, bytes } of from.#journal.entries()) this.#add(block, bytes)
    for (const [name, proof] of from.#proofs) this.#proofs.set(name, proof)
  }

  /**
   * Ends this log as a power loss would, and gives what its machine finds on disk afterwards. `lost`, from [0, 1),
   * says how much of what was not on disk yet is gone.
   */
  async crash(lost: number, options: Pick<MemoryLogOptions, 'pause'> = {}): Promise<MemoryLog> {
    this.#down = true
    // A piece of the journal is dropped once all that was written below it is on disk.
    const kept = this.#unsynced.journalled ?? this.#journal.length
    this.#unsynced.lose(lost)
    const log = this.copy(options)
    log.recovered = this.#journal.messages(kept)
    await log.directory.refill(log.#journal.messages())
    return log
  }

  /** Heads of feeds are signed with this key, whoever their signer is; without it there are none. */
  signWith(seed: Uint8Array): void {
    this.#seed = seed
  }

  /** Commits fail with `failure` until it is undefined again. */
  failCommits(failure: Failure | undefined): void {
    this.#fault = failure
  }

  commit(blocks: readonly NewBlock[], commitment?: Commitment): Promise<void> {
    this.commits++
    commitment?.advance('queued')
    return this.#pause === undefined
      ? this.#turn().then(() => founded(commitment, () => this.#write(blocks)))
      : this.#group.add(blocks, commitment)
  }

  #write(blocks: readonly NewBlock[]): void {
    if (this.#closed) throw new Failure('shutting-down')
    if (this.#fault !== undefined) throw this.#fault
    const lengths = blocks.length > 1 ? new Map<string, number>() : undefined
    for (const { feed, index } of blocks) {
      if (feed.kind === 'results') throw new TypeError('commit takes blocks of messages or votes')
      const name = nameOf(feed)
      if (this.#frozen.has(name)) throw this.#frozen.get(name)
      const length = lengths?.get(name) ?? this.#feedOf(feed).length
      if (index !== length) throw new Failure('feed-frozen', { process: feed.process, expected: length, index })
      lengths?.set(name, length + 1)
    }
    for (const block of blocks) this.#add(block)
  }

  async append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    await Promise.resolve()
    if (this.#down) await new Promise<never>(() => undefined)
    if (this.#closed) throw new Failure('shutting-down')
    const held = this.#feedOf(feed)
    if (index > held.length) throw new Failure('feed-frozen', { process: feed.process, expected: held.length, index })
    const before = held.length
    for (const [nth, bytes] of blocks.entries()) {
      const present = held.block(index + nth)
      if (present === undefined) held.push(this.#blocks.keep(bytes))
      else if (!equalBytes(present, bytes))
        throw new Failure('feed-frozen', { process: feed.process, index: index + nth })
    }
    if (held.length === before) return
    this.#wrote(() => held.cut(before))
    this.#tell(feed, before === index ? blocks : blocks.slice(before - index))
  }

  async length(feed: FeedSpec): Promise<number> {
    return this.#feedOf(feed).length
  }

  async block(feed: FeedSpec, index: number): Promise<Uint8Array | undefined> {
    return this.#feedOf(feed).block(index)
  }

  async *blocks(feed: FeedSpec, from: number, to?: number): AsyncIterable<Uint8Array> {
    const held = this.#feedOf(feed)
    for (let index = from, end = Math.min(to ?? held.length, held.length); index < end; index++) {
      const bytes = held.block(index)
      if (bytes !== undefined) yield bytes
    }
  }

  async head(feed: FeedSpec): Promise<FeedHead | undefined> {
    const { length } = this.#feedOf(feed)
    const head = length === 0 ? undefined : this.#signs(feed, length)?.head
    return head?.length === length ? head : undefined
  }

  async take(feed: FeedSpec, piece: SignedBlocks): Promise<TakeAnswer> {
    await this.#turn()
    const refusal = this.#closed ? new Failure('shutting-down') : this.#frozen.get(nameOf(feed))
    if (refusal !== undefined) throw refusal
    const held = this.#feedOf(feed)
    const { length } = held
    if (piece.from > length) return { status: 'gap', length }
    if (length < endOf(feed) && piece.head.length !== endOf(feed)) return { status: 'unproven', length }
    const present = held.slice(piece.from, piece.from + piece.blocks.length)
    const isSame = sameBlocks(present, piece.blocks)
    if (isSame && present.length === piece.blocks.length) return { status: 'taken', length }
    const before = held.tree(piece.from).roots
    if (signedBlocksHold(feed, before, piece) === undefined) return { status: 'unproven', length }
    if (!isSame) return this.#conflict(feed, piece)
    for (const [at, bytes] of piece.blocks.entries()) {
      if (piece.from + at < length) continue
      if (feed.kind === 'messages') this.#add({ feed, index: piece.from + at, bytes, ...placesIn(feed, bytes) })
      else held.push(this.#blocks.keep(bytes))
    }
    this.#proofs.set(nameOf(feed), { head: piece.head, rest: piece.rest, length: held.length })
    if (feed.kind === 'results') this.#tell(feed, held.slice(length))
    return { status: 'taken', length: held.length }
  }

  async sync(): Promise<void> {
    this.#unsynced.sync()
  }

  async signed(feed: FeedSpec, from: number, bounds: PieceBounds): Promise<SignedBlocks | undefined> {
    const blocks: Uint8Array[] = []
    let bytes = 0
    for await (const block of this.blocks(feed, from, from < endOf(feed) ? endOf(feed) : undefined)) {
      bytes += block.length
      if ((bytes > bounds.bytes && blocks.length > 0) || blocks.length >= bounds.blocks) break
      blocks.push(block)
    }
    const proof = blocks.length === 0 ? undefined : this.#signs(feed, from + blocks.length)
    return proof && { from, blocks, ...proof }
  }

  async prefix(feed: FeedSpec, length = this.#feedOf(feed).length): Promise<SignedPrefix | undefined> {
    const held = this.#feedOf(feed)
    const proof = length < 1 || length > held.length ? undefined : this.#signs(feed, length)
    return proof && { length, roots: held.tree(length).roots, ...proof }
  }

  async compare(feed: FeedSpec, seen: SignedPrefix): Promise<FeedConflict | undefined> {
    const held = await this.prefix(feed, seen.length)
    const hash = held && signedPrefixHash(feed, seen)
    const ours = this.#feedOf(feed)
    if (held === undefined || hash === undefined || equalBytes(hash, ours.tree(seen.length).hash())) return undefined
    this.freeze(feed, ours.length)
    return { feed, held, seen }
  }

  /** All of it is at hand. */
  hold(): Disposable {
    this.held += 1
    return { [Symbol.dispose]: () => void (this.held -= 1) }
  }

  watch(grew: (growth: FeedGrowth) => void): Disposable {
    this.#watchers.add(grew)
    return { [Symbol.dispose]: () => void this.#watchers.delete(grew) }
  }

  /** A head that covers the first `length` blocks, and what else it covers. Of its own feeds it took over the prologue alone. */
  #signs(feed: FeedSpec, length: number): Pick<SignedBlocks, 'head' | 'rest'> | undefined {
    const held = this.#feedOf(feed)
    const given = givenHead(feed, held, length, this.#proofs.get(nameOf(feed)))
    if (given !== undefined) return given
    if (this.#seed === undefined || feed.signers.length > 1) return undefined
    const signature = ed25519Sign(this.#seed, feedHeadMessage(feed, held.tree(length)))
    return { head: { length, signature }, rest: [] }
  }

  async #conflict(feed: FeedSpec, piece: SignedBlocks): Promise<TakeAnswer> {
    const ours = this.#feedOf(feed).slice()
    const same = ours.findIndex((block, at) => !equalBytes(block, piece.blocks[at - piece.from] ?? block))
    const both = same + 1
    const held = await this.prefix(feed, both)
    if (held === undefined) return { status: 'unproven', length: ours.length }
    this.freeze(feed, same)
    return { status: 'conflict', length: same, conflict: { feed, held, seen: prefixIn(ours, piece, both) } }
  }

  freeze(feed: FeedSpec, length: number, why = new Failure('feed-frozen', { process: feed.process })): void {
    this.#frozen.set(nameOf(feed), why)
    this.#feedOf(feed).cut(length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  async #turn(): Promise<void> {
    await this.#pause?.()
    if (this.#down) await new Promise<never>(() => undefined)
  }

  #wrote(undo: () => void): void {
    this.#unsynced.add(undo, this.#journal.length)
  }

  #add(block: NewBlock, bytes = this.#blocks.keep(block.bytes)): void {
    this.#journal.add(block, bytes)
    const { feed, signature } = block
    const length = this.#feedOf(feed).push(bytes)
    if (signature !== undefined) this.#proofs.set(nameOf(feed), { head: { length, signature }, rest: [], length })
    let slot = block.firstSlot
    for (const id of standingIds(block, this.directory.epochs)) this.messages.add(feed.process, id, slot++)
    this.#tell(block.feed, [block.bytes])
  }

  #tell(feed: FeedSpec, blocks: readonly Uint8Array[]): void {
    if (this.#watchers.size === 0) return
    const growth = { feed, length: this.#feedOf(feed).length, blocks }
    for (const grew of this.#watchers) grew(growth)
  }

  #feedOf(feed: FeedSpec): MemoryFeed {
    const name = nameOf(feed)
    let held = this.#feeds.get(name)
    if (held === undefined) this.#feeds.set(name, (held = new MemoryFeed(this.#blocks)))
    return held
  }
}
