/**
 * BLS12-381 as the IC uses it: signatures are points of G1 (48 bytes), keys of G2 (96 bytes), by the scheme
 * BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_ (draft-irtf-cfrg-bls-signature-05, basic).
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, fromHex, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { KnownSignatures } from '../crypto/known-signatures.ts'

const DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_'
const DER_PREFIX = fromHex('308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100')
const KEY_BYTES = 96
export const BLS_SIGNATURE_BYTES = 48
const ORDER = bls12_381.fields.Fr.ORDER
const { shortSignatures } = bls12_381

/** The secret that follows from `seed` under the domain `domain`: nobody who knows one learns the other. */
export function blsSecret(seed: Uint8Array, domain: string): Uint8Array {
  const wide = hkdf(sha256, seed, undefined, toUtf8(domain), 48)
  let value = 0n
  for (const byte of wide) value = (value << 8n) | BigInt(byte)
  const secret = new Uint8Array(32)
  let rest = (value % (ORDER - 1n)) + 1n
  for (let at = 31; at >= 0; at--) {
    secret[at] = Number(rest & 255n)
    rest >>= 8n
  }
  return secret
}

/** Public key of a secret: 96 bytes. */
export function blsPublicKey(secret: Uint8Array): Uint8Array {
  const { BASE, fromAffine } = bls12_381.G2.Point
  // A node needs one key: the table that the base point itself would be given takes ten times as long as one multiplication.
  return fromAffine(BASE.toAffine()).multiply(bls12_381.fields.Fr.fromBytes(secret)).toBytes()
}

/** Signature of `message`: 48 bytes. Takes milliseconds: not for a thread that answers requests. */
export function blsSign(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return shortSignatures.sign(shortSignatures.hash(message, DST), secret).toBytes()
}

/** Signatures that held and are remembered: who signs in by a canister shows one certificate for half an hour. */
const HELD_MAX = 1024
const known = new KnownSignatures(verify, HELD_MAX)

/** Whether the key signed `message`; false on whatever is no key or signature. Takes tens of milliseconds, the first time. */
export function blsVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === KEY_BYTES &&
    signature.length === BLS_SIGNATURE_BYTES &&
    known.holds(publicKey, message, signature)
  )
}

export interface BlsSignature {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** Another thread of this program has verified these: here nothing is to be done for them again. */
export function rememberBls(held: readonly BlsSignature[]): void {
  for (const { publicKey, message, signature } of held) known.remember(publicKey, message, signature)
}

/** Bytes that are no point are seen before anything that costs more. */
function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const point = shortSignatures.Signature.fromBytes(signature)
    return shortSignatures.verify(point, shortSignatures.hash(message, DST), publicKey)
  } catch {
    return false
  }
}

/** The key as the IC writes it: 133 bytes. */
export function blsKeyToDer(publicKey: Uint8Array): Uint8Array {
  return concatBytes(DER_PREFIX, publicKey)
}

/** @throws {MalformedBytes} */
export function blsKeyFromDer(der: Uint8Array): Uint8Array {
  if (der.length !== DER_PREFIX.length + KEY_BYTES || !equalBytes(der.subarray(0, DER_PREFIX.length), DER_PREFIX)) {
    throw new MalformedBytes('BLS key: not in the expected form', 0)
  }
  return der.subarray(DER_PREFIX.length)
}
