import {
  decodeFrame,
  type Envelope,
  equalBytes,
  Failure,
  findFrame,
  type Log,
  type MessageId,
  type ProcessId,
  type Receipt,
  readFrameHead,
  type Slot,
} from '../../protocol/index.ts'
import type { Lane } from '../lanes/lane.ts'
import type { Lanes } from '../lanes/lanes.ts'
import type { Seated } from '../lanes/recent-receipts.ts'

/** Receipts of messages that have their slot already: the same message again gets the same receipt. */
export class KnownReceipts {
  readonly #log: Log
  readonly #lanes: Lanes

  constructor(log: Log, lanes: Lanes) {
    this.#log = log
    this.#lanes = lanes
  }

  /** The receipt of an item that has its slot already, or is about to. @throws {Failure} `id-reused` */
  async known(process: ProcessId, id: MessageId, item: Uint8Array): Promise<Seated | undefined> {
    const lane = await this.#lanes.opening(process)
    const recent = lane?.recent(id)
    if (recent !== undefined) return sameItem(recent, item, id)
    const slot = await this.#log.messages.slotOf(process, id)
    if (slot === undefined) return undefined
    const found = await this.#place(await this.#lanes.get(process, undefined), id, slot)
    if (found?.envelope.kind !== 'item') return undefined
    const { receipt, envelope } = found
    return sameItem({ envelope, answer: { status: 'scheduled', receipt } }, item, id)
  }

  async of(lane: Lane, id: MessageId): Promise<Receipt | undefined> {
    const slot = await this.#log.messages.slotOf(lane.process.id, id)
    const found = slot === undefined ? undefined : await this.#place(lane, id, slot)
    return found?.receipt
  }

  async #place(lane: Lane, id: MessageId, slot: Slot): Promise<ReturnType<typeof receiptAt>> {
    const frame = await findFrame(this.#log, lane.feed, slot)
    return frame === undefined ? undefined : receiptAt(lane.process.id, frame.bytes, { id, slot })
  }
}

/** @throws {Failure} `id-reused` if something else was seated under this id */
export function sameItem(seated: Seated, item: Uint8Array, id: MessageId): Seated {
  const { envelope } = seated
  if (envelope.kind !== 'item' || !equalBytes(envelope.item, item)) throw new Failure('id-reused', { id })
  return seated
}

/** The receipt of a message that stands in the feed, and its envelope's frame. */
function receiptAt(
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
