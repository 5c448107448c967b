import {
  decodeFrame,
  type Envelope,
  encodeEnvelope,
  envelopeId,
  equalBytes,
  findFrame,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  type ScheduleAnswer,
} from '../../protocol/index.ts'
import { Senders } from './senders.ts'

/**
 * What the feed of one process shows here, where others write it too: only what has the signatures of a quorum stands in
 * it. What another scheduler says of it is not asked for.
 */
export class SettledFeed {
  readonly #log: Log
  readonly #process: ProcessDescription
  #senders: { readonly blocks: number; readonly senders: Senders } | undefined

  constructor(log: Log, process: ProcessDescription) {
    this.#log = log
    this.#process = process
  }

  /** How an envelope stands in the feed: `known` with its receipt, or `duplicate`; nothing, if it does not. */
  async answerFor(envelope: Envelope): Promise<ScheduleAnswer | undefined> {
    const receipt = await this.#receiptOf(envelope)
    if (receipt !== undefined) return { status: 'known', receipt }
    if (envelope.kind !== 'push') return undefined
    const { from, seq } = envelope.push.core
    return seq < (await this.expectedSeq(from)) ? { status: 'duplicate' } : undefined
  }

  /** The seq which the next push of a sender must have. */
  async expectedSeq(from: ProcessId): Promise<number> {
    const feed = messagesFeed(this.#process)
    const blocks = await this.#log.length(feed)
    if (this.#senders?.blocks !== blocks) {
      const senders = new Senders(this.#process.id, this.#log.store, this.#process.epoch)
      await senders.repair(this.#log, feed, blocks)
      this.#senders = { blocks, senders }
    }
    const { senders } = this.#senders
    if (senders.expected(from) === undefined) await senders.load(from)
    return senders.expected(from) ?? 0
  }

  async #receiptOf(envelope: Envelope): Promise<Receipt | undefined> {
    const { id: process } = this.#process
    const id = envelopeId(envelope, process, 0)
    const { messages } = this.#log
    const slot = messages.lacks(process, id) ? undefined : await messages.slotOf(process, id)
    const frame = slot === undefined ? undefined : await findFrame(this.#log, messagesFeed(this.#process), slot)
    if (slot === undefined || frame === undefined) return undefined
    const assignment = decodeFrame(frame.bytes).assignments[slot - frame.firstSlot]
    if (assignment === undefined) return undefined
    // One id may be that of other bytes: those are refused, and nobody's word is needed for that.
    const isItem = envelope.kind === 'item'
    if (isItem && !equalBytes(encodeEnvelope(assignment.envelope), encodeEnvelope(envelope))) return undefined
    return { id, process, slot, timestampMs: assignment.timestampMs }
  }
}
