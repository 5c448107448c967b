/**
 * Public keys of users of the IC: DER SubjectPublicKeyInfo, in exactly the forms that its clients write
 * (IC interface specification, "Signatures").
 */
import { equalBytes, fromHex, MalformedBytes } from '../codec/bytes.ts'

export type UserKey =
  | { readonly kind: 'ed25519' | 'secp256k1' | 'p256'; readonly key: Uint8Array }
  /** A COSE key, whose signatures are WebAuthn assertions. */
  | { readonly kind: 'webauthn'; readonly cose: Uint8Array }
  | { readonly kind: 'canister'; readonly canister: Uint8Array; readonly seed: Uint8Array }

const ED25519 = fromHex('302a300506032b6570032100')
const SECP256K1 = fromHex('3056301006072a8648ce3d020106052b8104000a034200')
const P256 = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')
/** OBJECT IDENTIFIER 1.3.6.1.4.1.56387.1.1, and 1.2, inside a sequence of their own. */
const COSE = fromHex('300c060a2b0601040183b8430101')
export const CANISTER_KEY_ALGORITHM = fromHex('300c060a2b0601040183b8430102')
const KEY_MAX_BYTES = 2048

/** @throws {MalformedBytes} */
export function readUserKey(der: Uint8Array): UserKey {
  if (der.length > KEY_MAX_BYTES) throw new MalformedBytes('public key: too long', KEY_MAX_BYTES)
  const ed25519 = after(der, ED25519, 32)
  if (ed25519 !== undefined) return { kind: 'ed25519', key: ed25519 }
  const secp256k1 = after(der, SECP256K1, 65)
  if (secp256k1 !== undefined) return { kind: 'secp256k1', key: secp256k1 }
  const p256 = after(der, P256, 65)
  if (p256 !== undefined) return { kind: 'p256', key: p256 }
  const inside = element(der, 0, 0x30)
  if (inside.end !== der.length) throw new MalformedBytes('public key: trailing bytes', inside.end)
  const algorithm = der.subarray(inside.start, inside.start + COSE.length)
  const bits = element(der, inside.start + COSE.length, 0x03)
  if (bits.end !== der.length || der[bits.start] !== 0)
    throw new MalformedBytes('public key: not a bit string', bits.start)
  const raw = der.subarray(bits.start + 1, bits.end)
  if (equalBytes(algorithm, COSE)) return { kind: 'webauthn', cose: raw }
  if (!equalBytes(algorithm, CANISTER_KEY_ALGORITHM))
    throw new MalformedBytes('public key: of an unknown kind', inside.start)
  const length = raw[0] ?? 0
  if (length > 29 || raw.length < 1 + length)
    throw new MalformedBytes('public key: not a canister and a seed', bits.start)
  return { kind: 'canister', canister: raw.subarray(1, 1 + length), seed: raw.subarray(1 + length) }
}

function after(der: Uint8Array, prefix: Uint8Array, keyBytes: number): Uint8Array | undefined {
  if (der.length !== prefix.length + keyBytes || !equalBytes(der.subarray(0, prefix.length), prefix)) return undefined
  return der.subarray(prefix.length)
}

/** Where the content of a DER element lies that begins at `at`; its length is in the shortest form. @throws {MalformedBytes} */
export function element(der: Uint8Array, at: number, tag: number): { start: number; end: number } {
  if (der[at] !== tag) throw new MalformedBytes('DER: unexpected element', at)
  const first = der[at + 1] ?? 0xff
  let start = at + 2
  let length = first
  if (first === 0x81) {
    length = der[start++] ?? 0
    if (length < 0x80) throw new MalformedBytes('DER: length not in its shortest form', at)
  } else if (first === 0x82) {
    length = ((der[start] ?? 0) << 8) | (der[start + 1] ?? 0)
    start += 2
    if (length < 0x100) throw new MalformedBytes('DER: length not in its shortest form', at)
  } else if (first > 0x82 || first === 0x80) throw new MalformedBytes('DER: length of an unexpected form', at)
  if (start + length > der.length) throw new MalformedBytes('DER: cut short', at)
  return { start, end: start + length }
}
