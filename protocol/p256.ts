import { p256 } from '@noble/curves/nist.js'

/** Whether the key made the ECDSA signature (r, s) of the SHA-256 of the message, in JavaScript; s may be high. */
export function p256VerifyPortable(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return p256.verify(signature, message, publicKey, { prehash: true, lowS: false })
  } catch {
    return false
  }
}
