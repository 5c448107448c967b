import {
  type CallRequest,
  type Clock,
  type Envelope,
  Failure,
  ingressWindow,
  type Log,
  type MessageId,
  type ProcessDescription,
  type ProcessId,
  principalText,
  type Receipt,
  type RequestEnvelope,
  requestMessageId,
} from '../protocol/index.ts'
import { admitIngress, parseIngress } from './admission.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import { known, type Seat } from './outcome.ts'
import type { SignerRates } from './rate.ts'

export interface IngressParts {
  readonly log: Pick<Log, 'messages'>
  readonly clock: Clock
  readonly lanes: Lanes
  readonly rates: SignerRates
  /** @throws {Failure} `unknown-process` */
  describe(process: ProcessId): Promise<ProcessDescription>
  receiptOf(lane: Lane, id: MessageId): Promise<Receipt | undefined>
}

type Ingress = Extract<Envelope, { kind: 'ingress' }>

/**
 * A request of a client of the IC: checked, and given its slot. One that stands in the feed, or is about to, has its
 * receipt, whatever its signature: its id says all that is in it. @throws {Failure}
 */
export async function seatIngress(
  parts: IngressParts,
  process: ProcessId,
  envelope: Ingress,
  parsed: RequestEnvelope<CallRequest> | undefined,
): Promise<Seat> {
  const { lanes, log, clock } = parts
  const request = parsed ?? parseIngress(envelope.bytes)
  const id = requestMessageId(request.id)
  admitIngress(envelope.bytes, request, await parts.describe(process), clock.now())
  const recent = (await lanes.opening(process))?.recent(id)
  if (recent !== undefined) return { answer: known(recent.answer) }
  const lane = await lanes.get(process, undefined)
  using _held = lane.hold()
  const receipt = log.messages.lacks(process, id) ? undefined : await parts.receiptOf(lane, id)
  if (receipt !== undefined) return { answer: { status: 'known', receipt } }
  // Two requests with the same id may both have come here.
  const raced = lane.recent(id)
  if (raced !== undefined) return { answer: known(raced.answer) }
  if (lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  return enqueue(parts, lane, envelope, request, id)
}

/** The same without a wait: nothing, if something has to be looked up. @throws {Failure} */
export function seatIngressNow(
  parts: IngressParts,
  lane: Lane,
  envelope: Ingress,
  parsed: RequestEnvelope<CallRequest> | undefined,
): Seat | undefined {
  const request = parsed ?? parseIngress(envelope.bytes)
  const id = requestMessageId(request.id)
  admitIngress(envelope.bytes, request, lane.process, parts.clock.now())
  const recent = lane.recent(id)
  if (recent !== undefined) return { answer: known(recent.answer) }
  return parts.log.messages.lacks(lane.process.id, id) ? enqueue(parts, lane, envelope, request, id) : undefined
}

function enqueue(
  { rates, clock }: IngressParts,
  lane: Lane,
  envelope: Ingress,
  request: RequestEnvelope<CallRequest>,
  id: MessageId,
): Seat {
  const signer = principalText(request.request.sender)
  if (!rates.take(signer, clock.now()))
    throw new Failure('busy', { signer }, { note: 'too many messages of one signer' })
  const window = ingressWindow(request)
  return lane.enqueue(id, envelope, { window })
}
