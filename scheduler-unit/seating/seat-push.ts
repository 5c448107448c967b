import {
  type Commitment,
  describeProcess,
  type Envelope,
  envelopeSizeBytes,
  Failure,
  firstPolicy,
  ITEM_SIZE_MAX_BYTES,
  isOfLaterEpoch,
  isSpawn,
  type ProcessDescription,
  type ProcessId,
  pushId,
  pushSender,
  voucherOf,
} from '../../protocol/index.ts'
import type { Lane } from '../lanes/lane.ts'
import { failedAnswer, type Seat } from '../lanes/outcome.ts'
import { admitPush, rejectOf } from './admission.ts'
import type { SeatingParts } from './seating-parts.ts'

type PushEnvelope = Extract<Envelope, { kind: 'push' }>

/** What another process sends: checked, and given its slot if its seq is the next of that pair. @throws {Failure} */
export async function seatPush(
  parts: SeatingParts,
  process: ProcessId,
  envelope: PushEnvelope,
  after: Commitment | undefined,
): Promise<Seat> {
  const { core } = envelope.push
  expectTarget(core.to, process)
  const sender = await parts.describe(core.from)
  const spawned = await childOf(parts, process, envelope, sender)
  const lane = await parts.lanes.get(process, spawned)
  using _held = lane.hold()
  // What came before its child's spawn must not take slot 0.
  if (spawned === undefined && lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  if (lane.senders.expected(core.from) === undefined) await lane.senders.load(core.from)
  return enqueue(parts, lane, envelope, sender, after)
}

/** The same without a wait: nothing, if something has to be looked up. @throws {Failure} */
export function seatPushNow(
  parts: SeatingParts,
  lane: Lane,
  envelope: PushEnvelope,
  after: Commitment | undefined,
): Seat | undefined {
  const { core } = envelope.push
  const sender = parts.log.directory.processAtHand(core.from)
  if (sender === undefined || lane.senders.expected(sender.id) === undefined) return undefined
  expectTarget(core.to, lane.process.id)
  return enqueue(parts, lane, envelope, sender, after)
}

function expectTarget(target: ProcessId, process: ProcessId): void {
  if (target !== process) throw new Failure('wrong-target', { target, process })
}

function enqueue(
  parts: SeatingParts,
  lane: Lane,
  envelope: PushEnvelope,
  sender: ProcessDescription,
  after: Commitment | undefined,
): Seat {
  // The journal must have been given that before what comes of it.
  if (after?.isInLine === false) throw notDurable(lane.process.id)
  const { push, proof } = envelope
  const { core } = push
  const expectedSeq = lane.senders.expected(core.from) ?? 0
  // Whoever hears this forgets the push, so what took its seq must be durable.
  if (core.seq < expectedSeq) return { answer: lane.durable().then(() => ({ status: 'duplicate' }), failedAnswer) }
  if (core.seq > expectedSeq) return { answer: { status: 'gap', expectedSeq } }
  // Others take no rejects; with a proof as it must be no push is so large.
  const sizeBytes = envelopeSizeBytes(envelope)
  const isTooLarge = sizeBytes > 2 * ITEM_SIZE_MAX_BYTES
  if (lane.isShared && isTooLarge) throw new Failure('too-large', { process: lane.process.id })
  expectProven(parts, envelope, sender, lane.process)
  const id = pushId(push.coreBytes)
  if (isTooLarge) return lane.enqueue(id, rejectOf(core), { after })
  const from = pushSender(proof, sender, lane.process.policy)
  return lane.enqueue(id, envelope, { sender: from, after, sizeBytes })
}

/** A push without a proof stands on our signature over the block: it must be ours to vouch for. @throws {Failure} */
function expectProven(
  parts: SeatingParts,
  { push, proof }: PushEnvelope,
  sender: ProcessDescription,
  { policy }: ProcessDescription,
): void {
  if (isOfLaterEpoch(sender, proof?.signatures[0]?.unit ?? 0)) {
    parts.isBehind?.(sender.id)
    throw new Failure('moved', { process: sender.id }, { note: 'its compute units are not known here yet' })
  }
  const vouched = proof === undefined && !isSpawn(push) && parts.attests?.(push) === true
  if (!vouched || voucherOf(firstPolicy(sender), policy) === undefined) admitPush(push, proof, sender)
}

/** The process that a spawn makes, if there is none yet; only what is certified may say what it is like. @throws {Failure} */
async function childOf(
  { log, lanes }: SeatingParts,
  process: ProcessId,
  envelope: PushEnvelope,
  sender: ProcessDescription,
): Promise<ProcessDescription | undefined> {
  if ((await log.directory.process(process)) !== undefined) return undefined
  const lane = await lanes.opening(process)?.catch(() => undefined)
  if (lane !== undefined && !lane.broken && lane.nextSlot > 0) return undefined
  admitPush(envelope.push, envelope.proof, sender)
  try {
    return describeProcess(envelope)
  } catch (error) {
    throw new Failure('unknown-process', { process }, { cause: error })
  }
}

export const notDurable = (process: ProcessId): Failure =>
  new Failure('busy', { process }, { note: 'what the push comes from is not durable' })
