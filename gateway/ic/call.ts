import {
  type CallRequest,
  type CanisterAnswer,
  asProcessId,
  Failure,
  type MessageId,
  parseDataItem,
  principalText,
  type ProcessId,
  type Receipt,
  type RequestEnvelope,
  requestMessageId,
  rootKeysOf,
  toUtf8,
} from '../../protocol/index.ts'
import { canisterQuery, onlyAnswer } from './canisters.ts'
import type { Desk } from './desk.ts'
import { checkTarget, makesCanister, managementTarget } from './management-target.ts'
import { checkExpiry, checkSender, checkSenderApart, mayBeOfCanister, notAuthentic, readEnvelope } from './incoming.ts'
import { CallRefusal } from './refusal.ts'
import { answerSource } from './state-sources.ts'

/** Where a request stands. */
type Place = Pick<Receipt, 'process' | 'slot'>

/** How a call is answered: refused before it had a slot, taken, or certified. */
export type CallAnswer =
  | { readonly status: 'refused'; readonly refusal: CallRefusal }
  | { readonly status: 'taken' }
  | { readonly status: 'certified'; readonly certificate: Uint8Array }

const REQUEST_STATUS = toUtf8('request_status')

/**
 * Takes an update call for the canister named in the path; with `gone`, waits until its answer is certified, or the client has gone.
 * @throws {HttpRefusal}
 */
export async function takeCall(
  desk: Desk,
  bytes: Uint8Array,
  effective: Uint8Array | undefined,
  gone: Promise<void> | undefined,
): Promise<CallAnswer> {
  const envelope = readEnvelope(bytes, 'call') as RequestEnvelope<CallRequest>
  checkExpiry(envelope, desk.clock.now())
  let receipt: Place
  try {
    receipt = await admit(desk, envelope, effective)
  } catch (error) {
    if (error instanceof CallRefusal) return { status: 'refused', refusal: error }
    throw error
  }
  const answered = answerAt(desk, receipt, envelope)
  if (gone === undefined) {
    answered.catch(() => undefined)
    return { status: 'taken' }
  }
  const answer = await Promise.race([answered, gone])
  return answer === undefined
    ? { status: 'taken' }
    : { status: 'certified', certificate: await certify(desk, envelope.id, answer) }
}

function certify(desk: Desk, id: Uint8Array, answer: CanisterAnswer): Promise<Uint8Array> {
  return desk.certifier.certify({ requests: [[id, answerSource(answer)]], paths: [[REQUEST_STATUS, id]] })
}

/** What becomes of a request that has its slot; nothing, when clients had better poll. */
export function answerAt(
  desk: Desk,
  { process, slot }: Place,
  { id, request }: RequestEnvelope<CallRequest>,
): Promise<CanisterAnswer | undefined> {
  const { sender, canister } = request
  return desk.requests.answered(process, requestMessageId(id), { slot, sender, canister })
}

/** Gives a request its slot. @throws {CallRefusal | HttpRefusal} */
export async function admit(
  desk: Desk,
  envelope: RequestEnvelope<CallRequest>,
  effective: Uint8Array | undefined,
): Promise<Place> {
  const { canister, method, arg } = envelope.request
  if (canister.length === 0 && makesCanister(method)) return create(desk, envelope)
  if (effective === undefined) throw new CallRefusal(4, 'IC0406', `A subnet takes no calls of ${method}`)
  checkTarget(canister.length === 0 ? managementTarget(method, arg) : canister, effective)
  const found = await desk.canisters.get(effective)
  if (mayBeOfCanister(envelope.bytes)) await checkSenderApart(desk, envelope, rootKeysOf(found.process))
  await inspect(desk, found, envelope)
  return send(desk, found.process.id, envelope)
}

/** Whoever wants to see requests before they have a slot sees them; what the management canister is asked, is looked at too. */
async function inspect(
  desk: Desk,
  found: Awaited<ReturnType<Desk['canisters']['get']>>,
  envelope: RequestEnvelope<CallRequest>,
): Promise<void> {
  const { canister, method, arg, sender } = envelope.request
  if (canister.length > 0) {
    const facts = await desk.canisters.facts(found)
    if (facts.status === 0 && facts.moduleHash !== undefined && !facts.inspects) return
  }
  // A forged request must not make a canister run.
  checkSender(envelope, desk.clock.now(), rootKeysOf(found.process))
  const more = [{ name: 'Canister', value: principalText(canister) }]
  const { output, error } = await desk.parts.computer.query(
    found.process.id,
    canisterQuery('inspect', method, sender, arg, more),
  )
  const { reject } = onlyAnswer(output, error?.message)
  if (reject !== undefined) throw new CallRefusal(reject.code, reject.error, reject.message)
}

async function send(desk: Desk, process: ProcessId, envelope: RequestEnvelope<CallRequest>): Promise<Receipt> {
  try {
    return await desk.parts.messenger.ingress(process, envelope)
  } catch (error) {
    throw explained(error, envelope, desk.clock.now())
  }
}

/**
 * A request that makes a canister is carried by a spawn that the node signs, and makes one canister, however often it comes and
 * however it is signed: it is noted which, before that is made. Other nodes that this one knows may have made it.
 */
async function create(desk: Desk, envelope: RequestEnvelope<CallRequest>): Promise<Place> {
  await checkSenderApart(desk, envelope, desk.parts.keys.rootKeys)
  const id = requestMessageId(envelope.id)
  const making = desk.making.get(id) ?? make(desk, envelope, id).finally(() => desk.making.delete(id))
  desk.making.set(id, making)
  return { process: await making, slot: 0 }
}

async function make(desk: Desk, envelope: RequestEnvelope<CallRequest>, id: MessageId): Promise<ProcessId> {
  const { parts, requests } = desk
  const made = await requests.madeBy(id)
  if (made !== undefined && (await parts.log.directory.process(made)) !== undefined) return made
  const here = (): Promise<ProcessId> => spawn(desk, envelope, id)
  const process = await (parts.creations?.once(id, here) ?? here())
  // Who asks here again knows the request alone, wherever it made its canister.
  if (process !== (await requests.madeBy(id))) await requests.makes(id, process)
  return process
}

async function spawn(
  { parts, requests, clock }: Desk,
  envelope: RequestEnvelope<CallRequest>,
  id: MessageId,
): Promise<ProcessId> {
  const item = await parts.signSpawn(envelope.bytes, envelope.id)
  await requests.makes(id, asProcessId(parseDataItem(item).id))
  const [taken] = await parts.messenger.submit([item])
  if (taken === undefined || 'module' in taken) throw new Failure('internal')
  if (taken instanceof Failure) throw explained(taken, envelope, clock.now())
  return taken.process
}

function explained(error: unknown, envelope: RequestEnvelope<CallRequest>, nowMs: number): unknown {
  if (!Failure.is(error)) return error
  if (error.code === 'bad-signature') return notAuthentic(envelope, String(error.details['reason'] ?? error.message))
  if (error.code === 'timeout') {
    // It expired while it waited for its slot: in the words for that.
    try {
      checkExpiry(envelope, Math.max(nowMs, Number(envelope.request.expiryNs / 1_000_000n) + 1))
    } catch (refusal) {
      return refusal
    }
  }
  return error
}
