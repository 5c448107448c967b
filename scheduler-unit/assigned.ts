import {
  asProcessId,
  type Envelope,
  encodeEnvelope,
  envelopeId,
  Failure,
  type ItemOrPush,
  type ProcessDescription,
  type ProcessId,
  type PushSender,
  pushSender,
  type ScheduleAnswer,
} from '../protocol/index.ts'
import { admitItem, admitPush, parseItem } from './admission.ts'
import { failedAnswer, type IngressParts, known, scheduled } from './ingress.ts'

export interface AssignedParts extends IngressParts {
  /** Whether processes of that module take assigned messages. */
  assignable(process: ProcessDescription): Promise<boolean>
}

/** A message that is addressed to another process: checked, and given its slot in this one too. @throws {Failure} */
export async function seatAssigned(
  parts: AssignedParts,
  process: ProcessId,
  envelope: Extract<Envelope, { kind: 'assign' }>,
): Promise<{ answer: Promise<ScheduleAnswer> | ScheduleAnswer }> {
  const lane = await parts.lanes.get(process, undefined)
  using _held = lane.hold()
  if (lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  if (!(await parts.assignable(lane.process))) throw new Failure('not-assignable', { process })
  const id = envelopeId(envelope, process, 0)
  const repeated = lane.recent(id)?.receipt ?? (await parts.receiptOf(lane, id))
  if (repeated !== undefined) return { answer: known(Promise.resolve(repeated)) }
  const sender = await admit(parts, envelope.message, lane.process)
  const raced = lane.recent(id)
  if (raced !== undefined) return { answer: known(raced.receipt) }
  const receipt = lane.enqueue(id, envelope, encodeEnvelope(envelope), { sender })
  return { answer: receipt.then(scheduled, failedAnswer) }
}

/** Gives who sent a push. */
async function admit(
  { clock, describe }: AssignedParts,
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
