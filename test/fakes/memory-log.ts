import {
  asMessageId,
  asModuleId,
  asProcessId,
  type DataItem,
  decodeEnvelope,
  describeModule,
  describeProcess,
  type Directory,
  domainHash,
  ed25519Sign,
  encodeCbor,
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
  type ModuleDescription,
  type NewBlock,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  type Slot,
} from '../../protocol/index.ts'
import { MemoryStore } from './memory-store.ts'

/** A log without a disk, for tests of other rooms. Passes test/conformance/log.ts. */
export class MemoryLog implements Log {
  readonly recovered: readonly NewBlock[]
  readonly messages = new MemoryIndex()
  readonly directory = new MemoryDirectory()
  readonly store = new MemoryStore()
  /** Commits that were given so far. */
  commits = 0
  readonly #feeds = new Map<string, Uint8Array[]>()
  readonly #journal: NewBlock[] = []
  readonly #fault: { failure: Failure | undefined } = { failure: undefined }
  #closed = false
  #seed: Uint8Array | undefined

  private constructor(recovered: readonly NewBlock[]) {
    this.recovered = recovered
  }

  /**
   * An empty log; or, with `from`, what stands on its disk after a crash of that log: all blocks that were
   * committed, as `recovered` too, and none of the store, the results and the directory (they are caches).
   */
  static open(options: { from?: MemoryLog } = {}): MemoryLog {
    const journal = options.from === undefined ? [] : [...options.from.#journal]
    const log = new MemoryLog(journal)
    for (const block of journal) log.#add(block)
    return log
  }

  /** Heads of feeds are signed with this key, whoever their signer is; without it there are none. */
  signWith(seed: Uint8Array): void {
    this.#seed = seed
  }

  /** Commits fail with `failure` until it is undefined again. */
  failCommits(failure: Failure | undefined): void {
    this.#fault.failure = failure
  }

  async commit(blocks: readonly NewBlock[]): Promise<void> {
    this.commits++
    await Promise.resolve()
    if (this.#closed) throw new Failure('shutting-down')
    if (this.#fault.failure !== undefined) throw this.#fault.failure
    const lengths = new Map<string, number>()
    for (const { feed, index } of blocks) {
      if (feed.kind !== 'messages') throw new TypeError('commit takes blocks of message feeds')
      const name = nameOf(feed)
      const length = lengths.get(name) ?? this.#blocksOf(feed).length
      if (index !== length)
        throw new Failure('feed-frozen', { process: feed.process, expected: length, index })
      lengths.set(name, length + 1)
    }
    for (const block of blocks) this.#add(block)
  }

  async append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> {
    await Promise.resolve()
    if (this.#closed) throw new Failure('shutting-down')
    const held = this.#blocksOf(feed)
    if (index > held.length)
      throw new Failure('feed-frozen', { process: feed.process, expected: held.length, index })
    for (const [offset, bytes] of blocks.entries()) {
      const present = held[index + offset]
      if (present === undefined) held.push(bytes.slice())
      else if (!equalBytes(present, bytes))
        throw new Failure('feed-frozen', { process: feed.process, index: index + offset })
    }
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
    if (this.#seed === undefined || blocks.length === 0) return undefined
    const tree = new FeedTree()
    for (const block of blocks) tree.append(block)
    return { length: tree.length, signature: ed25519Sign(this.#seed, feedHeadMessage(feed, tree)) }
  }

  feedKey(feed: FeedSpec): Uint8Array {
    return domainHash(
      'test/feed',
      encodeCbor([
        feed.kind,
        fromBase64Url(feed.process),
        feed.epoch,
        feed.quorum,
        feed.signers.map(fromBase64Url),
      ]),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  #add(block: NewBlock): void {
    this.#journal.push(block)
    this.#blocksOf(block.feed).push(block.bytes.slice())
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
    return Array.from(this.#places.get(asMessageId(id)) ?? [], ([process, slot]) => ({
      process,
      slot,
    }))
  }
}

class MemoryDirectory implements Directory {
  readonly #processes = new Map<string, { description: ProcessDescription; envelope: Uint8Array }>()
  readonly #modules = new Map<string, { description: ModuleDescription; item: Uint8Array }>()

  async addProcess(description: ProcessDescription, spawnEnvelope: Uint8Array): Promise<void> {
    if (this.#processes.has(description.id)) return
    // Read back as a log on disk would: what is found later does not depend on the object given here.
    const envelope = spawnEnvelope.slice()
    this.#processes.set(description.id, {
      description: describeProcess(decodeEnvelope(envelope)),
      envelope,
    })
  }

  async process(id: ProcessId): Promise<ProcessDescription | undefined> {
    return this.#processes.get(id)?.description
  }

  processAtHand(id: ProcessId): ProcessDescription | undefined {
    return this.#processes.get(id)?.description
  }

  async spawnEnvelope(id: ProcessId): Promise<Uint8Array | undefined> {
    return this.#processes.get(id)?.envelope
  }

  async processes(options: {
    after?: ProcessId | undefined
    limit: number
  }): Promise<readonly ProcessDescription[]> {
    return pageOf(this.#processes, options).map(({ description }) => description)
  }

  async addModule(item: DataItem): Promise<ModuleDescription> {
    const description = describeModule(item)
    this.#modules.set(description.id, { description, item: item.bytes.slice() })
    return description
  }

  async module(id: string): Promise<ModuleDescription | undefined> {
    const held = this.#modules.get(id)
    return held && describeModule(parseDataItem(held.item))
  }

  async moduleItem(id: string): Promise<Uint8Array | undefined> {
    return this.#modules.get(id)?.item
  }

  async modules(options: {
    after?: string | undefined
    limit: number
  }): Promise<readonly Omit<ModuleDescription, 'wasm'>[]> {
    return pageOf(this.#modules, options).map(({ description }) => {
      const { id, owner, format, tags } = description
      return { id: asModuleId(id), owner, format, tags }
    })
  }
}

/** In order of the ids' bytes, which is not that of their base64url. */
function pageOf<T>(
  map: ReadonlyMap<string, T>,
  options: { after?: string | undefined; limit: number },
): T[] {
  const order = (id: string): string => Buffer.from(id, 'base64url').toString('latin1')
  const after = options.after === undefined ? undefined : order(options.after)
  return Array.from(map, ([id, entry]) => ({ key: order(id), entry }))
    .filter(({ key }) => after === undefined || key > after)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, options.limit)
    .map(({ entry }) => entry)
}

function nameOf(feed: FeedSpec): string {
  return [feed.kind, asProcessId(feed.process), feed.epoch, feed.quorum, ...feed.signers].join('/')
}
