import { p256 } from '@noble/curves/nist.js'
import { cryptoProvider } from './crypto.ts'
import { isP256Signature } from './signature-rules.ts'

/**
 * Whether a key (65 bytes, uncompressed) made the signature (64 bytes: r, s) of the SHA-256 of the message. s may be
 * high: browsers make such signatures. So no id may be made from one. Apart from the other kinds, so that programs that need
 * no P-256 do not carry its curve.
 */
export function p256Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 65 || publicKey[0] !== 4 || !isP256Signature(signature)) return false
  const provider = cryptoProvider()
  return provider.p256Verify?.(publicKey, message, signature) ?? verifyPortable(publicKey, message, signature)
}

function verifyPortable(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return p256.verify(signature, message, publicKey, { prehash: true, lowS: false })
  } catch {
    return false
  }
}
