import {
  asProcessId,
  type Envelope,
  envelopeId,
  Failure,
  type ItemOrPush,
  type ProcessDescription,
  type ProcessId,
  type PushSender,
  pushSender,
} from '../../protocol/index.ts'
import { admitItem, admitPush, parseItem } from './admission.ts'
import type { SeatingParts } from './seating-parts.ts'
import { known, type Seat } from '../lanes/outcome.ts'

/** A message that is addressed to another process: checked, and given its slot in this one too. @throws {Failure} */
export async function seatAssigned(
  parts: SeatingParts,
  process: ProcessId,
  envelope: Extract<Envelope, { kind: 'assign' }>,
): Promise<Seat> {
  const lane = await parts.lanes.get(process, undefined)
  using _held = lane.hold()
  if (lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  if (!(await parts.assignable(lane.process))) throw new Failure('not-assignable', { process })
  const id = envelopeId(envelope, process, 0)
  const recent = lane.recent(id)
  if (recent !== undefined) return { answer: known(recent.answer) }
  const receipt = await parts.receipts.of(lane, id)
  if (receipt !== undefined) return { answer: { status: 'known', receipt } }
  const sender = await admit(parts, envelope.message, lane.process)
  const raced = lane.recent(id)
  if (raced !== undefined) return { answer: known(raced.answer) }
  return lane.enqueue(id, envelope, { sender })
}

/** Gives who sent a push. */
async function admit(
  { clock, describe }: SeatingParts,
  message: ItemOrPush,
  { id: process, policy }: ProcessDescription,
): Promise<PushSender | undefined> {
  const note = 'it is addressed to that process: send it there'
  if (message.kind === 'item') {
    const item = parseItem(message.item)
    if (item.target === process) throw new Failure('not-assignable', { process }, { note })
    admitItem(message.item, asProcessId(item.target ?? item.id), clock.now(), item)
    return undefined
  }
  if (message.push.core.to === process) throw new Failure('not-assignable', { process }, { note })
  const sender = await describe(message.push.core.from)
  admitPush(message.push, message.proof, sender)
  return pushSender(message.proof, sender, policy)
}
