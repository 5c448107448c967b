import { Cbor, type Identity, requestIdOf } from '@icp-sdk/core/agent'
import { concatBytes, encodeIc, fromHex, icMap, type IcValue } from '../../protocol/index.ts'

export const NOW_MS = 1_700_000_000_000
export const NS = 1_000_000n

/** The content of a call as a client would make it. */
export function callContent(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    request_type: 'call',
    canister_id: fromHex('00000000000004d2'),
    method_name: 'hello',
    arg: fromHex('4449444c0000'),
    sender: Uint8Array.of(4),
    ingress_expiry: BigInt(NOW_MS + 240_000) * NS,
    ...fields,
  }
}

/** Has an identity of the IC's own client sign a request; the bytes that its client would send. */
export async function signedBy(identity: Identity, content: Record<string, unknown>): Promise<Uint8Array> {
  const request = {
    request: {},
    endpoint: 'call',
    body: { ...content, sender: identity.getPrincipal().toUint8Array() },
  }
  const { body } = (await identity.transformRequest(request as never)) as { body: Record<string, unknown> }
  return Cbor.encode(body as never)
}

/** An envelope of any make. */
export function envelopeOf(fields: Readonly<Record<string, IcValue | undefined>>): Uint8Array {
  return encodeIc(icMap(fields))
}

/** A content as our own value, in the order of its fields. */
export function asIc(content: Record<string, unknown>): ReadonlyMap<string, IcValue> {
  return new Map(Object.entries(content) as [string, IcValue][])
}

/** The client's own idea of a request id. */
export function clientRequestId(content: Record<string, unknown>): Uint8Array {
  return requestIdOf(content)
}

/** SubjectPublicKeyInfo of a key under an OID of the IC. */
function wrapped(oid: string, raw: Uint8Array): Uint8Array {
  const length = (bytes: Uint8Array): Uint8Array =>
    bytes.length < 128
      ? Uint8Array.of(bytes.length)
      : bytes.length < 256
        ? Uint8Array.of(0x81, bytes.length)
        : Uint8Array.of(0x82, bytes.length >> 8, bytes.length & 255)
  const element = (tag: number, content: Uint8Array): Uint8Array =>
    concatBytes(Uint8Array.of(tag), length(content), content)
  return element(0x30, concatBytes(fromHex(oid), element(0x03, concatBytes(Uint8Array.of(0), raw))))
}

/** A COSE key as clients give it. */
export const coseDer = (cose: Uint8Array): Uint8Array => wrapped('300c060a2b0601040183b8430101', cose)
/** The key of whoever a canister signs for, by a seed. */
export const canisterDer = (canister: Uint8Array, seedBytes: Uint8Array): Uint8Array =>
  wrapped('300c060a2b0601040183b8430102', concatBytes(Uint8Array.of(canister.length), canister, seedBytes))
