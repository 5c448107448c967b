import {
  CborReader,
  CborWriter,
  decodeFrame,
  type Envelope,
  encodeFrame,
  envelopeId,
  Failure,
  type FeedSpec,
  fromBase64Url,
  type Log,
  type MessageId,
  messagesFeed,
  PENDING_PER_PROCESS_MAX,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  readFrameHead,
  readSmall,
  type Slot,
  toUtf8,
} from '../protocol/index.ts'
import { cutFrames } from './cut-frames.ts'
import type { RecentReceipts, Seated } from './recent-receipts.ts'

/** A frame that has become durable. */
export interface CommittedFrame {
  readonly process: ProcessDescription
  /** Index of the block in the feed. */
  readonly index: number
  readonly bytes: Uint8Array
  readonly firstSlot: Slot
  readonly ids: readonly MessageId[]
}

interface Pending {
  readonly id: MessageId
  readonly envelope: Envelope
  readonly bytes: Uint8Array
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
}

export interface LaneParts {
  readonly recent: RecentReceipts
  readonly log: Log
  readonly process: ProcessDescription
  now(): number
  committed(frames: readonly CommittedFrame[]): void
}

/**
 * The writing end of one process's feed. While one commit is under way, what arrives joins the next frame.
 *
 * 1. Slots are given in the order of `enqueue`, without gaps, by nobody else.
 * 2. A receipt exists only for what is durable; if a commit fails the lane is broken and must be opened anew.
 * 3. Timestamps never decrease.
 * 4. `next[sender]` counts pushes that have a slot or wait for one, so that a window of pushes can be enqueued at once;
 *    the store is told only of those that are durable.
 * 5. What waits for its slot is never forgotten: a repetition must find it.
 */
export class Lane {
  readonly feed: FeedSpec
  readonly #parts: LaneParts
  readonly #next = new Map<ProcessId, number>()
  readonly #waiting = new Map<MessageId, Seated>()
  #pending: Pending[] = []
  /** Messages in the commit that is under way. */
  #underWay = 0
  #blocks: number
  #nextSlot: Slot
  #lastMs: number
  #committing: Promise<void> | undefined
  #broken: Failure | undefined
  #holders = 0

  private constructor(parts: LaneParts, place: { blocks: number; nextSlot: Slot; lastMs: number }) {
    this.#parts = parts
    this.feed = messagesFeed(parts.process)
    this.#blocks = place.blocks
    this.#nextSlot = place.nextSlot
    this.#lastMs = place.lastMs
  }

  /** Reads where the feed ends, and repairs the index of senders from frames it has not seen. */
  static async open(parts: LaneParts): Promise<Lane> {
    const feed = messagesFeed(parts.process)
    const blocks = await parts.log.length(feed)
    const last = blocks === 0 ? undefined : await parts.log.block(feed, blocks - 1)
    if (last === undefined) return new Lane(parts, { blocks: 0, nextSlot: 0, lastMs: 0 })
    const frame = decodeFrame(last)
    const nextSlot = frame.firstSlot + frame.assignments.length
    const lastMs = frame.assignments.at(-1)?.timestampMs ?? 0
    const lane = new Lane(parts, { blocks, nextSlot, lastMs })
    await lane.#repairSenders()
    return lane
  }

  get process(): ProcessDescription {
    return this.#parts.process
  }

  /** The slot that the next message gets, if all that waits gets its own. */
  get nextSlot(): Slot {
    return this.#nextSlot + this.#underWay + this.#pending.length
  }

  get broken(): boolean {
    return this.#broken !== undefined
  }

  /** Nobody may write here any more: another lane of this process may be opened. Only an idle lane retires. */
  retire(): void {
    this.#broken ??= new Failure('busy', { process: this.process.id }, { note: 'its lane was closed' })
  }

  /** Nothing waits and no call is in the middle of using it: the lane can be forgotten. */
  get idle(): boolean {
    return this.#pending.length === 0 && this.#committing === undefined && this.#holders === 0
  }

  /** For a call that looks something up before it enqueues. */
  hold(): Disposable {
    this.#holders += 1
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1
      },
    }
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#committing
  }

  /** A message seen lately, waiting or done. */
  recent(id: MessageId): Seated | undefined {
    return this.#waiting.get(id) ?? this.#parts.recent.get(this.process.id, id)
  }

  /** Gives the envelope the next slot; resolves once that is durable. @throws {Failure} `busy`, what broke this lane */
  enqueue(id: MessageId, envelope: Envelope, bytes: Uint8Array): Promise<Receipt> {
    if (this.#broken !== undefined) throw this.#broken
    if (this.#pending.length >= PENDING_PER_PROCESS_MAX) {
      throw new Failure('busy', { process: this.process.id, waiting: this.#pending.length })
    }
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    this.#pending.push({ id, envelope, bytes, resolve, reject })
    if (envelope.kind === 'push') this.#next.set(envelope.push.core.from, envelope.push.core.seq + 1)
    if (envelope.kind === 'reject') this.#next.set(envelope.from, envelope.seq + 1)
    promise.catch(() => undefined)
    if (id !== '') this.#waiting.set(id, { bytes, receipt: promise })
    this.#committing ??= this.#commitAll()
    return promise
  }

  /** The seq that the next push from `sender` must have; nothing before `loadSeq`. Read and enqueue in one turn. */
  expectedSeq(sender: ProcessId): number | undefined {
    return this.#next.get(sender)
  }

  /** Looks up what `expectedSeq` tells. */
  async loadSeq(sender: ProcessId): Promise<void> {
    const stored = await this.#parts.log.store.get(senderKey(this.process.id, sender))
    const seq = stored === undefined ? 0 : readSmall(new CborReader(stored))
    if (!this.#next.has(sender)) this.#next.set(sender, seq)
  }

  async #commitAll(): Promise<void> {
    // One turn of the loop first, so that all that one caller enqueues joins one frame.
    await Promise.resolve()
    while (this.#pending.length > 0 && this.#broken === undefined) {
      const batch = this.#pending
      this.#pending = []
      this.#underWay = batch.length
      await this.#commit(batch).catch(error => this.#break(batch, error))
      this.#underWay = 0
    }
    this.#committing = undefined
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const timestampMs = Math.max(this.#parts.now(), this.#lastMs)
    const frames: CommittedFrame[] = []
    const start = this.#nextSlot
    let firstSlot = start
    for (const entries of cutFrames(batch)) {
      const bytes = encodeFrame(
        firstSlot,
        entries.map(entry => ({ timestampMs, envelopeBytes: entry.bytes })),
      )
      const ids = entries.map((entry, i) => entry.id || envelopeId(entry.envelope, this.process.id, firstSlot + i))
      frames.push({ process: this.process, index: this.#blocks + frames.length, bytes, firstSlot, ids })
      firstSlot += entries.length
    }
    await this.#parts.log.commit(frames.map(frame => ({ ...frame, feed: this.feed })))
    const [spawn] = batch
    // Before anybody hears of slot 0, its process can be looked up.
    if (start === 0 && spawn !== undefined) await this.#parts.log.directory.addProcess(this.process, spawn.bytes)
    this.#blocks += frames.length
    this.#nextSlot = firstSlot
    this.#underWay = 0
    this.#lastMs = timestampMs
    this.#storeSenders(batch)
    for (const [i, entry] of batch.entries()) {
      entry.resolve({ id: entry.id, process: this.process.id, slot: start + i, timestampMs })
      this.#seated(entry.id)
    }
    this.#parts.committed(frames)
  }

  #seated(id: MessageId): void {
    const seated = this.#waiting.get(id)
    if (seated === undefined) return
    this.#waiting.delete(id)
    this.#parts.recent.add(this.process.id, id, seated)
  }

  #break(batch: readonly Pending[], error: unknown): void {
    this.#broken = Failure.from(error)
    for (const entry of [...batch, ...this.#pending]) {
      this.#waiting.delete(entry.id)
      entry.reject(error)
    }
    this.#pending = []
  }

  #storeSenders(batch: readonly Pending[]): void {
    // Not `#next`: that counts pushes which are not durable yet, and may never be.
    const senders = new Map<ProcessId, number>()
    for (const { envelope } of batch) {
      if (envelope.kind === 'push') senders.set(envelope.push.core.from, envelope.push.core.seq + 1)
      if (envelope.kind === 'reject') senders.set(envelope.from, envelope.seq + 1)
    }
    if (senders.size === 0) return
    const process = this.process.id
    const changes = [...senders].map(([sender, next]) => ({ key: senderKey(process, sender), value: encodeUint(next) }))
    this.#parts.log.store.write([...changes, { key: indexedKey(process), value: encodeUint(this.#blocks) }])
  }

  async #repairSenders(): Promise<void> {
    const { log, process } = this.#parts
    const stored = await log.store.get(indexedKey(process.id))
    const indexed = stored === undefined ? 0 : readSmall(new CborReader(stored))
    // Blocks after the indexed one may be without pushes; looking at them again is cheap and happens once.
    for await (const bytes of log.blocks(this.feed, Math.min(indexed, this.#blocks))) {
      for (const { envelope } of decodeFrame(bytes).assignments) {
        if (envelope.kind === 'push') this.#next.set(envelope.push.core.from, envelope.push.core.seq + 1)
        if (envelope.kind === 'reject') this.#next.set(envelope.from, envelope.seq + 1)
      }
    }
    if (indexed >= this.#blocks) return
    const changes = [...this.#next].map(([sender, next]) => ({
      key: senderKey(process.id, sender),
      value: encodeUint(next),
    }))
    log.store.write([...changes, { key: indexedKey(process.id), value: encodeUint(this.#blocks) }])
  }
}

/** The receipt of a message that stands in the feed, and its envelope's frame. */
export function receiptAt(
  process: ProcessId,
  frameBytes: Uint8Array,
  place: { id: MessageId; slot: Slot },
): { receipt: Receipt; envelope: Envelope } | undefined {
  const { firstSlot } = readFrameHead(frameBytes)
  const assignment = decodeFrame(frameBytes).assignments[place.slot - firstSlot]
  if (assignment === undefined) return undefined
  const { timestampMs, envelope } = assignment
  return { receipt: { id: place.id, process, slot: place.slot, timestampMs }, envelope }
}

const NEXT = toUtf8('scheduler/next/')
const INDEXED = toUtf8('scheduler/indexed/')

function senderKey(process: ProcessId, sender: ProcessId): Uint8Array {
  const key = new Uint8Array(NEXT.length + 64)
  key.set(NEXT)
  key.set(fromBase64Url(process), NEXT.length)
  key.set(fromBase64Url(sender), NEXT.length + 32)
  return key
}

function indexedKey(process: ProcessId): Uint8Array {
  const key = new Uint8Array(INDEXED.length + 32)
  key.set(INDEXED)
  key.set(fromBase64Url(process), INDEXED.length)
  return key
}

function encodeUint(value: number): Uint8Array {
  const writer = new CborWriter()
  writer.uint(value)
  return writer.finish()
}
