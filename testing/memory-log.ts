import {
  asProcessId,
  decodeFrame,
  describeProcess,
  domainHash,
  ed25519Sign,
  encodeCbor,
  encodeEnvelope,
  equalBytes,
  Failure,
  type FeedHead,
  feedHeadMessage,
  type FeedSpec,
  FeedTree,
  fromBase64Url,
  type Log,
  type MessageId,
  type MessageIndex,
  type NewBlock,
  type ProcessId,
  type Slot,
} from '../protocol/index.ts'
import { MemoryDirectory } from './memory-directory.ts'
import { MemoryStore } from './memory-store.ts'
import { MemoryTrees } from './memory-trees.ts'

/** Writes beside the journal that a crash may take: later ones first. Older ones are on disk. */
const UNSYNCED_MAX = 64

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
  readonly messages = new MemoryIndex()
  readonly directory: MemoryDirectory
  readonly store: MemoryStore
  readonly trees = new MemoryTrees(feed => this.#blocksOf(feed))
  /** Commits that were given so far. */
  commits = 0
  readonly #feeds = new Map<string, Uint8Array[]>()
  readonly #journal: NewBlock[] = []
  /** Of feeds with several signers. */
  readonly #heads = new Map<string, FeedHead>()
  readonly #pause: (() => Promise<void>) | undefined
  /** How to undo what is not on disk yet, oldest first, and how long the journal was then. */
  readonly #unsynced: { readonly undo: () => void; readonly journalled: number }[] = []
  #fault: Failure | undefined
  #closed = false
  /** Its machine is down: whoever waits for it waits for ever. */
  #down = false
  #seed: Uint8Array | undefined

  private constructor(options: MemoryLogOptions, caches?: MemoryLog) {
    this.#pause = options.pause
    const before = caches ?? options.from
    if (before !== undefined) this.#seed = before.#seed
    this.directory = new MemoryDirectory(caches?.directory)
    const wrote = (undo: () => void): void => this.#wrote(undo)
    this.store = new MemoryStore(caches === undefined ? { wrote } : { from: caches.store, wrote })
  }

  /** An empty log, or what stands on the disk of another. */
  static open(options: MemoryLogOptions = {}): MemoryLog {
    const log = new MemoryLog(options)
    for (const block of options.from === undefined ? [] : options.from.#journal) log.#add(block)
    log.recovered = log.#journal.filter(isMessages)
    return log
  }

  /** The same log once more, as it is now; the two go on apart. */
  copy(options: Pick<MemoryLogOptions, 'pause'> = {}): MemoryLog {
    const log = new MemoryLog(options, this)
    for (const block of this.#journal) log.#add(block)
    for (const [name, blocks] of this.#feeds) log.#feeds.set(name, [...blocks])
    log.recovered = this.recovered
    return log
  }

  /**
   * Ends this log as a power loss would, and gives what its machine finds on disk afterwards. `lost`, from [0, 1),
   * says how much of what was not on disk yet is gone.
   */
  async crash(lost: number, options: Pick<MemoryLogOptions, 'pause'> = {}): Promise<MemoryLog> {
    this.#down = true
    // A piece of the journal is dropped once all that was written below it is on disk.
    const kept = this.#unsynced[0]?.journalled ?? this.#journal.length
    const gone = Math.round(this.#unsynced.length * lost)
    for (const { undo } of this.#unsynced.splice(this.#unsynced.length - gone).reverse()) undo()
    const log = this.copy(options)
    log.recovered = this.#journal.slice(kept).filter(isMessages)
    for (const { feed, bytes, firstSlot } of log.#journal) {
      if (feed.kind !== 'messages') continue
      const spawn = firstSlot === 0 ? decodeFrame(bytes).assignments[0] : undefined
      if (spawn === undefined) continue
      await log.directory.addProcess(
        describeProcess(spawn.envelope),
        encodeEnvelope(spawn.envelope),
      )
    }
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

  async commit(blocks: readonly NewBlock[]): Promise<void> {
    this.commits++
    await this.#turn()
    if (this.#closed) throw new Failure('shutting-down')
    if (this.#fault !== undefined) throw this.#fault
    const lengths = new Map<string, number>()
    for (const { feed, index } of blocks) {
      if (feed.kind === 'results') throw new TypeError('commit takes blocks of messages or votes')
      const name = nameOf(feed)
      const length = lengths.get(name) ?? this.#blocksOf(feed).length
      if (index !== length)
        throw new Failure('feed-frozen', { process: feed.process, expected: length, index })
      lengths.set(name, length + 1)
    }
    for (const block of blocks) this.#add(block)
    // It is durable, and nobody knows yet.
    if (this.#pause !== undefined) await this.#turn()
  }

  async append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    await Promise.resolve()
    if (this.#down) await new Promise<never>(() => undefined)
    if (this.#closed) throw new Failure('shutting-down')
    const held = this.#blocksOf(feed)
    if (index > held.length)
      throw new Failure('feed-frozen', { process: feed.process, expected: held.length, index })
    const before = held.length
    for (const [offset, bytes] of blocks.entries()) {
      const present = held[index + offset]
      if (present === undefined) held.push(bytes.slice())
      else if (!equalBytes(present, bytes))
        throw new Failure('feed-frozen', { process: feed.process, index: index + offset })
    }
    if (held.length > before) this.#wrote(() => held.splice(before))
  }

  async length(feed: FeedSpec): Promise<number> {
    return this.#blocksOf(feed).length
  }

  async block(feed: FeedSpec, index: number): Promise<Uint8Array | undefined> {
    return this.#blocksOf(feed)[index]
  }

  async *blocks(feed: FeedSpec, from: number, to?: number): AsyncIterable<Uint8Array> {
    const held = this.#blocksOf(feed)
    const end = Math.min(to ?? held.length, held.length)
    for (let index = from; index < end; index++) {
      const bytes = held[index]
      if (bytes !== undefined) yield bytes
    }
  }

  async head(feed: FeedSpec): Promise<FeedHead | undefined> {
    const blocks = this.#blocksOf(feed)
    if (feed.signers.length > 1) return this.#heads.get(nameOf(feed))
    if (this.#seed === undefined || blocks.length === 0) return undefined
    const tree = new FeedTree()
    for (const block of blocks) tree.append(block)
    return { length: tree.length, signature: ed25519Sign(this.#seed, feedHeadMessage(feed, tree)) }
  }

  feedKey(feed: FeedSpec): Uint8Array {
    const signers = feed.signers.map(fromBase64Url)
    const fields = [feed.kind, fromBase64Url(feed.process), feed.epoch, feed.quorum, signers]
    return domainHash('test/feed', encodeCbor(fields))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  async #turn(): Promise<void> {
    await this.#pause?.()
    if (this.#down) await new Promise<never>(() => undefined)
  }

  #wrote(undo: () => void): void {
    this.#unsynced.push({ undo, journalled: this.#journal.length })
    if (this.#unsynced.length > UNSYNCED_MAX) this.#unsynced.shift()
  }

  #add(block: NewBlock): void {
    this.#journal.push(block)
    const length = this.#blocksOf(block.feed).push(block.bytes.slice())
    if (block.signature !== undefined)
      this.#heads.set(nameOf(block.feed), { length, signature: block.signature })
    if (!isMessages(block)) return
    for (const [offset, id] of block.ids.entries()) {
      this.messages.add(block.feed.process, id, block.firstSlot + offset)
    }
  }

  #blocksOf(feed: FeedSpec): Uint8Array[] {
    const name = nameOf(feed)
    let blocks = this.#feeds.get(name)
    if (blocks === undefined) this.#feeds.set(name, (blocks = []))
    return blocks
  }
}

class MemoryIndex implements MessageIndex {
  readonly #places = new Map<MessageId, Map<ProcessId, Slot>>()

  add(process: ProcessId, id: MessageId, slot: Slot): void {
    let places = this.#places.get(id)
    if (places === undefined) this.#places.set(id, (places = new Map()))
    if (!places.has(process)) places.set(process, slot)
  }

  lacks(process: ProcessId, id: MessageId): boolean {
    return this.#places.get(id)?.get(process) === undefined
  }

  async slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined> {
    return this.#places.get(id)?.get(process)
  }

  async slotsOf(
    process: ProcessId,
    ids: readonly MessageId[],
  ): Promise<readonly (Slot | undefined)[]> {
    return ids.map(id => this.#places.get(id)?.get(process))
  }

  async placesOf(id: MessageId): Promise<readonly { process: ProcessId; slot: Slot }[]> {
    return Array.from(this.#places.get(id) ?? [], ([process, slot]) => ({ process, slot }))
  }
}

const isMessages = ({ feed }: NewBlock): boolean => feed.kind === 'messages'

function nameOf(feed: FeedSpec): string {
  return [feed.kind, asProcessId(feed.process), feed.epoch, feed.quorum, ...feed.signers].join('/')
}
