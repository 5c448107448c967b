import { secp256k1 } from '@noble/curves/secp256k1.js'

/** Uncompressed public key of a secret, in JavaScript. */
export function secp256k1PublicKeyPortable(secret: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(secret, false)
}

/** Signature (r, low s, recovery bit) of a hash, in JavaScript. */
export function secp256k1SignPortable(secret: Uint8Array, hash: Uint8Array): Uint8Array {
  const recovered = secp256k1.sign(hash, secret, {
    prehash: false,
    lowS: true,
    format: 'recovered',
  })
  const signature = new Uint8Array(65)
  signature.set(recovered.subarray(1))
  signature[64] = recovered[0] ?? 0
  return signature
}

/** Whether the key signed the hash, in JavaScript. */
export function secp256k1VerifyPortable(publicKey: Uint8Array, hash: Uint8Array, signature: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature, hash, publicKey, { prehash: false, lowS: true })
  } catch {
    return false
  }
}

/** The key that signed the hash, in JavaScript. */
export function secp256k1RecoverPortable(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const recovered = new Uint8Array(65)
  recovered[0] = signature[64] ?? 0
  recovered.set(signature.subarray(0, 64), 1)
  try {
    return secp256k1.Signature.fromBytes(recovered, 'recovered').recoverPublicKey(hash).toBytes(false)
  } catch {
    return undefined
  }
}
