import {
  CborReader,
  CborWriter,
  concatBytes,
  decodeFrame,
  type Envelope,
  type FeedSpec,
  fromBase64Url,
  type Log,
  type ProcessId,
  readSmall,
  toUtf8,
} from '../../protocol/index.ts'

/** Blocks after which the store is told again; what it was not told is read from their frames. */
const STORE_EVERY_BLOCKS = 64
/** Of senders that the store knows about, so many are at hand, the last that were asked for or wrote. */
const LOADED_MAX = 4_096

/**
 * The seq that the next push from each sender must have, of one process.
 * The store may be behind: what it says is brought up to date from the feed when a lane is opened.
 */
export class Senders {
  readonly #place: Uint8Array
  readonly #store: Log['store']
  /** Of those whose pushes wait for their slot. */
  readonly #waiting = new Map<ProcessId, number>()
  /** Durable, but not in the store yet. */
  readonly #unstored = new Map<ProcessId, number>()
  /** As the store has it. */
  readonly #loaded = new Map<ProcessId, number>()
  /** Blocks that the store knows. */
  #indexed = 0

  constructor(process: ProcessId, store: Log['store'], epoch: number) {
    this.#place = placeKey(process, epoch)
    this.#store = store
  }

  /** Nothing before `load`. Counts pushes that wait for their slot, too, so that a window of them can be enqueued at once. */
  expected(sender: ProcessId): number | undefined {
    return this.#waiting.get(sender) ?? this.#unstored.get(sender) ?? this.#loaded.get(sender)
  }

  /** Looks up what `expected` tells. */
  async load(sender: ProcessId): Promise<void> {
    const stored = await this.#store.get(senderKey(this.#place, sender))
    const seq = stored === undefined ? 0 : readSmall(new CborReader(stored))
    if (this.expected(sender) === undefined) this.#loaded.set(sender, seq)
    this.#forgetOldest()
  }

  /** The envelope waits for its slot. */
  enqueued(envelope: Envelope): void {
    note(this.#waiting, envelope)
  }

  /** What these hold is durable, in a feed of `blocks` blocks. */
  durable(batch: Iterable<{ readonly envelope: Envelope }>, blocks: number): void {
    for (const { envelope } of batch) {
      const written = note(this.#unstored, envelope)
      if (written !== undefined && this.#waiting.get(written.sender) === written.next)
        this.#waiting.delete(written.sender)
    }
    if (this.#unstored.size > 0 && blocks - this.#indexed >= STORE_EVERY_BLOCKS) this.storeAll(blocks)
  }

  /** Tells the store all that is durable. */
  storeAll(blocks: number): void {
    if (this.#unstored.size > 0) this.#write(blocks)
  }

  /** Reads the frames that the store does not know. */
  async repair(log: Log, feed: FeedSpec, blocks: number): Promise<void> {
    const stored = await this.#store.get(indexedKey(this.#place))
    this.#indexed = Math.min(blocks, stored === undefined ? 0 : readSmall(new CborReader(stored)))
    // They may be without pushes; looking at them again is cheap and happens once.
    for await (const bytes of log.blocks(feed, this.#indexed, blocks)) {
      for (const { envelope } of decodeFrame(bytes).assignments) {
        note(this.#unstored, envelope)
      }
    }
    if (this.#indexed < blocks) this.#write(blocks)
  }

  /** The last that was loaded stays: somebody is about to ask for it. */
  #forgetOldest(): void {
    for (const sender of this.#loaded.keys()) {
      if (this.#loaded.size <= LOADED_MAX) return
      this.#loaded.delete(sender)
    }
  }

  #write(blocks: number): void {
    const changes = [...this.#unstored].map(([sender, next]) => ({
      key: senderKey(this.#place, sender),
      value: encodeUint(next),
    }))
    for (const [sender, next] of this.#unstored) {
      this.#loaded.delete(sender)
      this.#loaded.set(sender, next)
    }
    this.#unstored.clear()
    this.#forgetOldest()
    this.#indexed = blocks
    this.#store.write([...changes, { key: indexedKey(this.#place), value: encodeUint(blocks) }])
  }
}

interface Written {
  readonly sender: ProcessId
  readonly next: number
}

function note(seqs: Map<ProcessId, number>, envelope: Envelope): Written | undefined {
  const written = writtenBy(envelope)
  if (written !== undefined) seqs.set(written.sender, written.next)
  return written
}

/** What the next push of a sender must have after this one. */
function writtenBy(envelope: Envelope): Written | undefined {
  if (envelope.kind === 'push') return { sender: envelope.push.core.from, next: envelope.push.core.seq + 1 }
  return envelope.kind === 'reject' ? { sender: envelope.from, next: envelope.seq + 1 } : undefined
}

const NEXT = toUtf8('scheduler/next/')
const INDEXED = toUtf8('scheduler/indexed/')

/** Each epoch counts anew: its feed may be without some blocks that an earlier one had. */
function placeKey(process: ProcessId, epoch: number): Uint8Array {
  return epoch === 0 ? fromBase64Url(process) : concatBytes(fromBase64Url(process), encodeUint(epoch))
}

const senderKey = (place: Uint8Array, sender: ProcessId): Uint8Array => concatBytes(NEXT, place, fromBase64Url(sender))
const indexedKey = (place: Uint8Array): Uint8Array => concatBytes(INDEXED, place)

function encodeUint(value: number): Uint8Array {
  const writer = new CborWriter()
  writer.uint(value)
  return writer.finish()
}
