import {
  type CallRequest,
  type Envelope,
  Failure,
  ingressWindow,
  isCanisterSigned,
  type MessageId,
  type ProcessId,
  principalText,
  type RequestEnvelope,
  requestMessageId,
} from '../../protocol/index.ts'
import { admitApart, admitIngress, parseIngress } from './admission.ts'
import type { Lane } from '../lanes/lane.ts'
import { failedAnswer, known, type Seat } from '../lanes/outcome.ts'
import type { SeatingParts } from './seating-parts.ts'

type Ingress = Extract<Envelope, { kind: 'ingress' }>

/**
 * A request of a client of the IC: checked, and given its slot. One that stands in the feed, or is about to, has its
 * receipt, whatever its signature: its id says all that is in it. What takes long to check is checked elsewhere, and has its seat
 * when that is done: requests have no order, so nobody waits behind it. @throws {Failure}
 */
export async function seatIngress(
  parts: SeatingParts,
  process: ProcessId,
  envelope: Ingress,
  parsed: RequestEnvelope<CallRequest> | undefined,
): Promise<Seat> {
  const request = parsed ?? parseIngress(envelope.bytes)
  if (parts.notary === undefined || !isCanisterSigned(request)) return seatParsed(parts, process, envelope, request)
  const seated = parts
    .describe(process)
    .then(description => admitApart(parts.notary, request, description, parts.clock.now()))
    .then(() => seatParsed(parts, process, envelope, request))
  return { answer: seated.then(({ answer }) => answer, failedAnswer) }
}

async function seatParsed(
  parts: SeatingParts,
  process: ProcessId,
  envelope: Ingress,
  request: RequestEnvelope<CallRequest>,
): Promise<Seat> {
  const { lanes, log, clock } = parts
  const id = requestMessageId(request.id)
  admitIngress(envelope.bytes, request, await parts.describe(process), clock.now())
  const recent = (await lanes.opening(process))?.recent(id)
  if (recent !== undefined) return { answer: known(recent.answer) }
  const lane = await lanes.get(process, undefined)
  using _held = lane.hold()
  const receipt = log.messages.lacks(process, id) ? undefined : await parts.receipts.of(lane, id)
  if (receipt !== undefined) return { answer: { status: 'known', receipt } }
  // Two requests with the same id may both have come here.
  const raced = lane.recent(id)
  if (raced !== undefined) return { answer: known(raced.answer) }
  if (lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  return enqueue(parts, lane, envelope, request, id)
}

/** The same without a wait: nothing, if something has to be looked up. @throws {Failure} */
export function seatIngressNow(
  parts: SeatingParts,
  lane: Lane,
  envelope: Ingress,
  parsed: RequestEnvelope<CallRequest> | undefined,
): Seat | undefined {
  const request = parsed ?? parseIngress(envelope.bytes)
  if (parts.notary !== undefined && isCanisterSigned(request)) return undefined
  const id = requestMessageId(request.id)
  admitIngress(envelope.bytes, request, lane.process, parts.clock.now())
  const recent = lane.recent(id)
  if (recent !== undefined) return { answer: known(recent.answer) }
  return parts.log.messages.lacks(lane.process.id, id) ? enqueue(parts, lane, envelope, request, id) : undefined
}

function enqueue(
  { rates, clock }: SeatingParts,
  lane: Lane,
  envelope: Ingress,
  request: RequestEnvelope<CallRequest>,
  id: MessageId,
): Seat {
  rates.expect(principalText(request.request.sender), clock.now())
  return lane.enqueue(id, envelope, { window: ingressWindow(request) })
}
