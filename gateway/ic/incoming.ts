import {
  CANISTER_KEY_ALGORITHM,
  type CallRequest,
  decodeRequestEnvelope,
  equalBytes,
  MalformedBytes,
  principalFromText,
  type ReadStateRequest,
  type Refusal,
  type RequestEnvelope,
  refuteExpiry,
  refuteRequest,
  toHex,
} from '../../protocol/index.ts'
import type { Desk } from './desk.ts'
import { plainCbor } from './plain-cbor.ts'
import { HttpRefusal } from './refusal.ts'

/** Reads a request of the type that an endpoint takes. @throws {HttpRefusal} 400 */
export function readEnvelope<T extends CallRequest['type'] | ReadStateRequest['type']>(
  bytes: Uint8Array,
  type: T,
): RequestEnvelope<
  Extract<CallRequest | ReadStateRequest, { type: T | (T extends 'call' | 'query' ? 'call' | 'query' : never) }>
> {
  try {
    const envelope = decodePlainly(bytes)
    if (envelope.request.type === type) return envelope as never
    throw new HttpRefusal(400, `Expected a request of type ${type}, got ${envelope.request.type}`)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new HttpRefusal(400, `Could not parse the request: ${error.message}`)
    throw error
  }
}

/** A request that is written as those in feeds are not, is read as if it were. */
function decodePlainly(bytes: Uint8Array): RequestEnvelope {
  try {
    return decodeRequestEnvelope(bytes)
  } catch (error) {
    const plain = error instanceof MalformedBytes ? plainCbor(bytes) : undefined
    if (plain === undefined || equalBytes(plain, bytes)) throw error
    return decodeRequestEnvelope(plain)
  }
}

/** The principal in a path. @throws {HttpRefusal} 400 */
export function principalInPath(text: string): Uint8Array {
  try {
    return principalFromText(text)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new HttpRefusal(400, 'Could not parse the principal in the path')
    throw error
  }
}

/** Refuses what has expired, in the words by which clients know that their clock is wrong. @throws {HttpRefusal} 400 */
export function checkExpiry(envelope: RequestEnvelope, nowMs: number): void {
  const refusal = refuteExpiry(envelope.request, nowMs)
  if (refusal !== undefined) throw new HttpRefusal(400, refusal.text)
}

/** @throws {HttpRefusal} 400 */
export function checkSender(envelope: RequestEnvelope, nowMs: number, rootKeys: readonly Uint8Array[]): void {
  refuse(envelope, refuteRequest(envelope, { nowMs, rootKeys }))
}

function refuse(envelope: RequestEnvelope, refusal: Refusal | undefined): void {
  if (refusal === undefined) return
  throw refusal.reason === 'expiry' ? new HttpRefusal(400, refusal.text) : notAuthentic(envelope, refusal.text)
}

const CANISTER_KEY = Buffer.from(CANISTER_KEY_ALGORITHM)

/** Whether a request names the key of a canister as that of a signer, or says something that looks like it. */
export function mayBeOfCanister(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(CANISTER_KEY)
}

/** The same as `checkSender`, with what takes long done elsewhere. @throws {HttpRefusal} 400 */
export async function checkSenderApart(
  { clock, parts }: Desk,
  envelope: RequestEnvelope,
  rootKeys: readonly Uint8Array[],
): Promise<void> {
  const nowMs = clock.now()
  if (mayBeOfCanister(envelope.bytes)) refuse(envelope, await parts.notary.refute(envelope.bytes, { nowMs, rootKeys }))
  else checkSender(envelope, nowMs, rootKeys)
}

export function notAuthentic({ id }: RequestEnvelope, reason: string): HttpRefusal {
  return new HttpRefusal(400, `Failed to authenticate request 0x${toHex(id)} due to: ${reason}`)
}
