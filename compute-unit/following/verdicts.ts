import {
  type Assignment,
  asProcessId,
  decodeFrame,
  decodeIngress,
  describeSpawnItem,
  type Directory,
  type Envelope,
  envelopeId,
  Failure,
  isControl,
  typeOf,
  type MessageId,
  type MessageIndex,
  isOfLaterEpoch,
  type Notary,
  type ProcessDescription,
  type ProcessPolicy,
  policyAt,
  outlineFrame,
  parseDataItem,
  pushSender,
  type PushSender,
  refuteApart,
  refuteIngress,
  refutePush,
  refuteSpawnRequest,
  refuteVouched,
  type RequestEnvelope,
  refuseDuplicateSystemTags,
  spawnRequestOf,
  verifyDataItem,
  wholeEnvelope,
} from '../../protocol/index.ts'
import type { Verdict } from '../evaluation/index.ts'
import { ITEM_VERDICT } from '../hosts/verdict-packets.ts'

interface SlotPlace {
  readonly slot: number
  readonly timestampMs: number
}

/** A process, and who had the word in it when the block came to be. */
interface FeedPlace {
  readonly process: ProcessDescription
  readonly policy: ProcessPolicy
}

export interface VerdictParts {
  /** Who checks what canisters may have signed, which takes long; it is done here, if not given. */
  readonly notary?: Notary | undefined
  readonly directory: Pick<Directory, 'process'>
  readonly messages: Pick<MessageIndex, 'slotsOf'>
}

/**
 * What is to be known about each assignment of a frame before a host evaluates it: does its signature or
 * certificate hold, did the same item stand in an earlier slot, who vouches for a push.
 * With `trusted`, signatures are taken as checked: this node's own scheduler admitted them, in its epoch. `index` is that of the block.
 */
export async function verdictsOn(
  process: ProcessDescription,
  index: number,
  frameBytes: Uint8Array,
  trusted: boolean,
  parts: VerdictParts,
): Promise<Verdict[]> {
  const place = { process, policy: policyAt(process, index) }
  if (trusted && index >= (process.prologue?.length ?? 0)) return admittedVerdicts(place, frameBytes, parts)
  const { firstSlot, assignments } = decodeFrame(frameBytes)
  const duplicates = await repeatedItems(process, firstSlot, assignments, parts.messages)
  const verdicts: Verdict[] = []
  for (const [i, { envelope, timestampMs }] of assignments.entries()) {
    if (duplicates.has(i)) verdicts.push({ status: 'duplicate' })
    else verdicts.push(await verdictOn(envelope, place, { slot: firstSlot + i, timestampMs }, false, parts))
  }
  return verdicts
}

/** Of what was admitted here, only the senders of pushes have to be looked up. */
async function admittedVerdicts(place: FeedPlace, frameBytes: Uint8Array, parts: VerdictParts): Promise<Verdict[]> {
  const { firstSlot, assignments } = outlineFrame(frameBytes)
  const verdicts: Verdict[] = []
  for (const [i, { envelope, timestampMs }] of assignments.entries()) {
    if (envelope.kind === 'push' || envelope.kind === 'assign') {
      verdicts.push(await verdictOn(wholeEnvelope(envelope), place, { slot: firstSlot + i, timestampMs }, true, parts))
    } else verdicts.push(ITEM_VERDICT)
  }
  return verdicts
}

async function repeatedItems(
  process: ProcessDescription,
  firstSlot: number,
  assignments: readonly Assignment[],
  messages: VerdictParts['messages'],
): Promise<Set<number>> {
  // A push is told from its repetition by its seq; an item only by having stood here before.
  const told = assignments.flatMap(({ envelope }, i) => {
    const isTold = envelope.kind === 'item' || envelope.kind === 'assign' || envelope.kind === 'ingress'
    const id = isTold ? idOf(envelope, process.id, firstSlot + i) : undefined
    return id === undefined ? [] : [{ i, id }]
  })
  const slots = await messages.slotsOf(
    process.id,
    told.map(({ id }) => id),
  )
  const repeated = new Set<number>()
  for (const [at, { i }] of told.entries()) {
    const first = slots[at]
    if (first !== undefined && first < firstSlot + i) repeated.add(i)
  }
  return repeated
}

/** The id of what stands in a slot; nothing for bytes that are no message, which are refused later. */
function idOf(envelope: Envelope, process: ProcessDescription['id'], slot: number): MessageId | undefined {
  try {
    return envelopeId(envelope, process, slot)
  } catch {
    return undefined
  }
}

async function verdictOn(
  envelope: Envelope,
  feed: FeedPlace,
  place: SlotPlace,
  trusted: boolean,
  parts: VerdictParts,
): Promise<Verdict> {
  const { process } = feed
  if (!trusted) {
    const reason = await refuteApart(parts.notary, requestIn(envelope, place.slot), process, place.timestampMs)
    if (reason !== undefined) return { status: 'refused' }
  }
  switch (envelope.kind) {
    case 'item':
      return trusted || itemHolds(envelope.item, process, place) ? ITEM_VERDICT : { status: 'refused' }
    case 'push':
      if (envelope.push.core.to !== process.id) return { status: 'refused' }
      return pushVerdict(envelope, feed, trusted, parts)
    case 'assign':
      if (envelope.message.kind === 'push') return pushVerdict(envelope.message, feed, trusted, parts)
      return trusted || signatureHolds(envelope.message.item) ? ITEM_VERDICT : { status: 'refused' }
    case 'ingress':
      return trusted || ingressHolds(envelope.bytes, process, place) ? ITEM_VERDICT : { status: 'refused' }
    case 'tick':
    case 'reject':
      return ITEM_VERDICT
  }
}

/** The request of the IC that a slot holds, in a spawn or by itself; nothing, if it holds none that can be read. */
function requestIn(envelope: Envelope, slot: number): RequestEnvelope | undefined {
  try {
    if (envelope.kind === 'ingress') return decodeIngress(envelope.bytes)
    return envelope.kind === 'item' && slot === 0
      ? spawnRequestOf(describeSpawnItem(parseDataItem(envelope.item)))
      : undefined
  } catch {
    return undefined
  }
}

/** The rules of admission, checked once more: the scheduler is not believed. */
function itemHolds(bytes: Uint8Array, process: ProcessDescription, { slot, timestampMs }: SlotPlace): boolean {
  try {
    const item = parseDataItem(bytes)
    refuseDuplicateSystemTags(item.tags)
    const type = typeOf(item.tags)
    const placed = slot === 0 ? type === 'Process' && asProcessId(item.id) === process.id : item.target === process.id
    const holds = placed && (slot === 0 || type === 'Message' || isControl(item.tags)) && verifyDataItem(item)
    return holds && (slot > 0 || refuteSpawnRequest(describeSpawnItem(item), timestampMs) === undefined)
  } catch {
    return false
  }
}

/** Of a request, its place in time counts too: it expires. */
function ingressHolds(bytes: Uint8Array, process: ProcessDescription, { slot, timestampMs }: SlotPlace): boolean {
  try {
    return slot > 0 && refuteIngress(decodeIngress(bytes), process, timestampMs) === undefined
  } catch {
    return false
  }
}

function signatureHolds(bytes: Uint8Array): boolean {
  try {
    const item = parseDataItem(bytes)
    refuseDuplicateSystemTags(item.tags)
    return verifyDataItem(item)
  } catch {
    return false
  }
}

async function pushVerdict(
  envelope: Extract<Envelope, { kind: 'push' }>,
  { policy }: FeedPlace,
  trusted: boolean,
  parts: VerdictParts,
): Promise<Verdict> {
  const { from } = envelope.push.core
  const sender = await parts.directory.process(from)
  if (sender === undefined) throw new Failure('unknown-process', { process: from })
  // Everybody must come to the same verdict: who has not heard of its handover waits until he has.
  if (isOfLaterEpoch(sender, envelope.proof?.signatures[0]?.unit ?? 0)) throw new Failure('moved', { process: from })
  if (!trusted && !pushHolds(envelope, sender, policy)) return { status: 'refused' }
  return { status: 'ok', sender: pushSender(envelope.proof, sender, policy) }
}

/** That the block is its scheduler's is what whoever gave it has checked, or checks at the end of the feed. */
function pushHolds(
  { push, proof }: Extract<Envelope, { kind: 'push' }>,
  sender: ProcessDescription,
  policy: ProcessPolicy,
): boolean {
  try {
    const reason = proof === undefined ? refuteVouched(push, sender, policy) : refutePush(push, proof, sender)
    return reason === undefined
  } catch {
    return false
  }
}

/** The verdicts on a frame of this node's own scheduler, which says who sent what stands there. */
export function trustedVerdicts(senders: readonly (PushSender | undefined)[]): Verdict[] {
  return senders.map(sender => (sender === undefined ? ITEM_VERDICT : { status: 'ok', sender }))
}
