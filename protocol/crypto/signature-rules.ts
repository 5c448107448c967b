/**
 * What keys and signatures may look like, before any arithmetic. Everything refused here is refused
 * by every provider alike: most libraries differ in exactly these cases.
 */
import { fromHex, toHex } from '../codec/bytes.ts'

/** L = 2^252 + 27742317777372353535851937790883648493, the order of Ed25519's base point, big-endian. */
const ED25519_ORDER = fromHex('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed')

/** p = 2^255 - 19, big-endian. */
const ED25519_FIELD = fromHex('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed')

/** y of the points of order 1, 2, 4 and 8, as encoded (little-endian), without the sign of x. */
const ED25519_SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

/** First bytes of the above: all other points are done with one look. */
const SMALL_ORDER_FIRST_BYTES: ReadonlySet<number> = new Set([0x00, 0x01, 0xec, 0x26, 0xc7])

/** n, the order of secp256k1, and its half: the largest "low" s. */
const SECP256K1_ORDER = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const SECP256K1_HALF = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')

/** n, the order of P-256. */
const P256_ORDER = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** RSA keys below 2,048 bits are too weak; above 4,096 no ANS-104 owner exists. */
const RSA_MODULUS_MIN_BYTES = 256
const RSA_MODULUS_MAX_BYTES = 512

/** A canonical Ed25519 point that is not of small order; it need not lie on the curve. */
export function isEd25519PublicKey(key: Uint8Array): boolean {
  return key.length === 32 && isEd25519Point(key, 0)
}

/** R canonical and not of small order, S below L. */
export function isEd25519Signature(signature: Uint8Array): boolean {
  if (signature.length !== 64 || !isEd25519Point(signature, 0)) return false
  return isBelowLittleEndian(signature, 32, ED25519_ORDER, 0xff)
}

/** r from 1 to n - 1 and s from 1 to n / 2 at the start of the signature. */
export function isSecp256k1Signature(signature: Uint8Array): boolean {
  return (
    compareBigEndian(signature, 0, SECP256K1_ORDER) < 0 &&
    compareBigEndian(signature, 32, SECP256K1_HALF) <= 0 &&
    !isZero(signature, 0) &&
    !isZero(signature, 32)
  )
}

/** r and s from 1 to n - 1. */
export function isP256Signature(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  return [r, s].every(part => compareBigEndian(part, 0, P256_ORDER) < 0 && !isZero(part, 0))
}

/** The same signature with the lower of its two possible s (n - s signs the same); 64 bytes. */
export function withLowS(signature: Uint8Array): Uint8Array {
  if (signature.length !== 64 || compareBigEndian(signature, 32, SECP256K1_HALF) <= 0) return signature
  const low = Uint8Array.from(signature)
  let borrow = 0
  for (let at = 31; at >= 0; at--) {
    const difference = (SECP256K1_ORDER[at] ?? 0) - (signature[32 + at] ?? 0) - borrow
    borrow = difference < 0 ? 1 : 0
    low[32 + at] = difference & 0xff
  }
  return borrow === 0 ? low : signature
}

/** Compressed (02, 03) or uncompressed (04), never the hybrid forms (06, 07) that some take. */
export function isSecp256k1PublicKey(key: Uint8Array): boolean {
  return (key.length === 33 && (key[0] === 2 || key[0] === 3)) || (key.length === 65 && key[0] === 4)
}

/** 2,048 to 4,096 bits, odd, without leading zero bytes. */
export function isRsaModulus(modulus: Uint8Array): boolean {
  const length = modulus.length
  if (length < RSA_MODULUS_MIN_BYTES || length > RSA_MODULUS_MAX_BYTES) return false
  const first = modulus[0] ?? 0
  if (first === 0 || (length === RSA_MODULUS_MIN_BYTES && first < 0x80)) return false
  return ((modulus[length - 1] ?? 0) & 1) === 1
}

function isEd25519Point(bytes: Uint8Array, from: number): boolean {
  if (!isBelowLittleEndian(bytes, from, ED25519_FIELD, 0x7f)) return false
  if (!SMALL_ORDER_FIRST_BYTES.has(bytes[from] ?? 0)) return true
  // Not `slice`: in Node bytes may come with one that gives a view, and the signature itself would lose the bit.
  const y = Uint8Array.from(bytes.subarray(from, from + 32))
  y[31] = (y[31] ?? 0) & 0x7f
  return !ED25519_SMALL_ORDER.has(toHex(y))
}

/** Compares 32 little-endian bytes, the topmost masked, with a big-endian bound. */
function isBelowLittleEndian(bytes: Uint8Array, from: number, bound: Uint8Array, topMask: number): boolean {
  for (let index = 31; index >= 0; index--) {
    const byte = (bytes[from + index] ?? 0) & (index === 31 ? topMask : 0xff)
    const limit = bound[31 - index] ?? 0
    if (byte !== limit) return byte < limit
  }
  return false
}

function compareBigEndian(bytes: Uint8Array, from: number, other: Uint8Array): number {
  for (let index = 0; index < 32; index++) {
    const difference = (bytes[from + index] ?? 0) - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let index = from; index < from + 32; index++) {
    if (bytes[index] !== 0) return false
  }
  return true
}
