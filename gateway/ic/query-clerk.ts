import {
  type BlsSignature,
  blsVerify,
  type CallRequest,
  type CanisterAnswer,
  concatBytes,
  decodeRequestEnvelope,
  ed25519Sign,
  encodeIc,
  hashOfMap,
  icMap,
  type IcValue,
  type Notary,
  type Refusal,
  refuteRequest,
  type RequestEnvelope,
  type RequestTrust,
  separator,
} from '../../protocol/index.ts'
import { checkSender, readEnvelope } from './incoming.ts'

/** A query whose sender is who it says. */
export interface SignedQuery extends Pick<CallRequest, 'canister' | 'method' | 'arg' | 'sender'> {
  /** 32 bytes: the request id. */
  readonly id: Uint8Array
}

/** Whom answers are signed by: the node. */
export interface QuerySigner {
  /** Seed of its Ed25519 key. */
  readonly seed: Uint8Array
  /** Its principal. */
  readonly nodeId: Uint8Array
}

/**
 * Does what a query costs beside its execution: reads it, checks who sent it, signs its answer. All of it is arithmetic on bytes
 * that are handed over, so it needs none of the node's state.
 */
export interface QueryClerk extends Notary {
  /** @throws {HttpRefusal} 400 */
  read(bytes: Uint8Array, trust: RequestTrust): Promise<SignedQuery>
  /** The body of the response: the answer, signed as given at `nowMs`. */
  sign(id: Uint8Array, answer: CanisterAnswer, nowMs: number): Promise<Uint8Array>
}

const RESPONSE = separator('ic-response')
const NS_PER_MS = 1_000_000n

/** @throws {HttpRefusal} 400 */
export function readQuery(bytes: Uint8Array, { nowMs, rootKeys }: RequestTrust): SignedQuery {
  const envelope = readEnvelope(bytes, 'query') as RequestEnvelope<CallRequest>
  checkSender(envelope, nowMs, rootKeys)
  const { canister, method, arg, sender } = envelope.request
  return { id: envelope.id, canister, method, arg, sender }
}

/** See `QueryClerk.refute`; with the signatures of canisters that hold. */
export function judgeRequest(
  bytes: Uint8Array,
  { nowMs, rootKeys }: RequestTrust,
): { readonly refusal: Refusal | undefined; readonly held: readonly BlsSignature[] } {
  const held: BlsSignature[] = []
  const verifyBls: typeof blsVerify = (publicKey, message, signature) => {
    const holds = blsVerify(publicKey, message, signature)
    if (holds) held.push({ publicKey, message, signature })
    return holds
  }
  return { refusal: refuteRequest(decodeRequestEnvelope(bytes), { nowMs, rootKeys, verifyBls }), held }
}

/** See `QueryClerk.sign`. */
export function signAnswer(
  { seed, nodeId }: QuerySigner,
  id: Uint8Array,
  { reply, reject }: CanisterAnswer,
  nowMs: number,
): Uint8Array {
  const fields: Record<string, IcValue | undefined> =
    reject === undefined
      ? { status: 'replied', reply: icMap({ arg: reply }) }
      : {
          status: 'rejected',
          reject_code: reject.code,
          reject_message: reject.message,
          error_code: reject.error === '' ? undefined : reject.error,
        }
  const timestamp = BigInt(nowMs) * NS_PER_MS
  const hash = hashOfMap(icMap({ ...fields, timestamp, request_id: id }))
  const signature = ed25519Sign(seed, concatBytes(RESPONSE, hash))
  return encodeIc(icMap({ ...fields, signatures: [icMap({ timestamp, signature, identity: nodeId })] }))
}
