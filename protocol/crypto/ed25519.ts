import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes } from '../codec/bytes.ts'

const { Point } = ed25519
const ORDER = Point.Fn.ORDER

/** Public key of a 32-byte seed, in JavaScript. */
export function ed25519PublicKeyPortable(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** Ed25519 signature by a 32-byte seed, in JavaScript. */
export function ed25519SignPortable(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

/**
 * Whether [S]B - [k]A encodes to the bytes of R: no cofactor, as libsodium does it (noble itself
 * multiplies by the cofactor and would take signatures that libsodium refuses).
 */
export function ed25519VerifyPortable(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32)
  let key: InstanceType<typeof Point>
  try {
    key = Point.fromBytes(publicKey, false)
  } catch {
    return false
  }
  const challenge = littleEndian(sha512(concatBytes(r, publicKey, message))) % ORDER
  const s = littleEndian(signature.subarray(32))
  const point = Point.BASE.multiplyUnsafe(s).add(key.negate().multiplyUnsafe(challenge))
  return equalBytes(point.toBytes(), r)
}

function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let value = 0n
  for (let at = bytes.length - 8; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true)
  return value
}
