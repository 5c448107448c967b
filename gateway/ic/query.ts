import {
  type CallRequest,
  type CanisterAnswer,
  concatBytes,
  equalBytes,
  hashOfMap,
  icMap,
  type IcMap,
  type IcValue,
  principalText,
  type RequestEnvelope,
  rootKeysOf,
  separator,
} from '../../protocol/index.ts'
import { type Canister, canisterQuery, onlyAnswer } from './canisters.ts'
import { asksOthers, runComposite } from './composite.ts'
import type { Desk } from './desk.ts'
import { checkSender, readEnvelope } from './incoming.ts'
import { CallRefusal, HttpRefusal } from './refusal.ts'

const RESPONSE = separator('ic-response')
const NS_PER_MS = 1_000_000n
const ATTEMPTS_MAX = 3

/** Answers a query, and signs the answer as the node that gave it. @throws {HttpRefusal} */
export async function takeQuery(desk: Desk, bytes: Uint8Array, effective: Uint8Array | undefined): Promise<IcMap> {
  const envelope = readEnvelope(bytes, 'query') as RequestEnvelope<CallRequest>
  return signed(desk, envelope.id, await answerOf(desk, envelope, effective))
}

async function answerOf(
  desk: Desk,
  envelope: RequestEnvelope<CallRequest>,
  effective: Uint8Array | undefined,
): Promise<CanisterAnswer> {
  const { canister } = envelope.request
  try {
    if (effective === undefined) throw new CallRefusal(3, 'IC0406', `A subnet takes no queries of ${envelope.request.method}`)
    if (canister.length > 0 && !equalBytes(canister, effective)) {
      throw new HttpRefusal(400, `The canister of the path, ${principalText(effective)}, is not that of the request, ${principalText(canister)}`)
    }
    const found = await desk.canisters.find(effective)
    checkSender(envelope, desk.clock.now(), found === undefined ? desk.rootKeys : rootKeysOf(found.process))
    return await ask(desk, found ?? (await desk.canisters.get(effective)), envelope.request)
  } catch (error) {
    if (error instanceof CallRefusal) return { reject: { code: error.code, error: error.error, message: error.message } }
    throw error
  }
}

type Asking = Pick<CallRequest, 'canister' | 'method' | 'arg' | 'sender'>

/** A query sees a certificate of the very data that its state holds: if they changed meanwhile, it is asked again. */
export async function ask(desk: Desk, found: Canister, { canister, method, arg, sender }: Asking): Promise<CanisterAnswer> {
  const { computer } = desk.parts
  if (canister.length === 0) {
    const { output, error } = await computer.query(found.process.id, canisterQuery('management', method, sender, arg))
    return onlyAnswer(output, error?.message)
  }
  for (let attempt = 1; ; attempt++) {
    const tag = await desk.dataCertificates.of(found)
    const { output, error } = await computer.query(found.process.id, canisterQuery('query', method, sender, arg, [tag]))
    const isSame = (await desk.dataCertificates.of(found)) === tag
    if (!isSame && attempt < ATTEMPTS_MAX) continue
    if (error !== undefined || !asksOthers(output)) return onlyAnswer(output, error?.message)
    return runComposite(desk, { callee: found.principal, method, arg }, output, { sender, certificate: tag })
  }
}

function signed(desk: Desk, id: Uint8Array, { reply, reject }: CanisterAnswer): IcMap {
  const { keys, signQuery } = desk.parts
  const fields: Record<string, IcValue | undefined> =
    reject === undefined
      ? { status: 'replied', reply: icMap({ arg: reply }) }
      : {
          status: 'rejected',
          reject_code: reject.code,
          reject_message: reject.message,
          error_code: reject.error === '' ? undefined : reject.error,
        }
  const timestamp = BigInt(desk.clock.now()) * NS_PER_MS
  const hash = hashOfMap(icMap({ ...fields, timestamp, request_id: id }))
  const signature = signQuery(concatBytes(RESPONSE, hash))
  return icMap({ ...fields, signatures: [icMap({ timestamp, signature, identity: keys.nodeId })] })
}
