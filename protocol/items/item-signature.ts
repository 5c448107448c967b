import { equalBytes, fromUtf8, toHex, toUtf8 } from '../codec/bytes.ts'
import { ed25519Verify, rsaPssVerify, secp256k1Recover } from '../crypto/crypto.ts'
import { ethereumMessageHash, typedMessageHash } from '../crypto/ethereum-message.ts'
import { ethereumAddress, type SignatureScheme } from '../crypto/keys.ts'

/**
 * Whether `owner` made `signature` over the message of an item, by the rules of its scheme.
 * Ethereum signatures must end in 27 or 28: that byte is not signed, and any freedom in it would
 * let a third party give the message a second id.
 */
export function verifySignature(
  scheme: SignatureScheme,
  owner: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (scheme) {
    case 'rsa-pss-sha256':
      return rsaPssVerify(owner, message, signature)
    case 'ed25519':
      return ed25519Verify(owner, message, signature)
    case 'solana':
      return ed25519Verify(owner, toUtf8(toHex(message)), signature)
    case 'ethereum':
      return verifyEthereum(owner, message, signature)
    case 'typed-ethereum':
      return verifyTypedEthereum(owner, message, signature)
  }
}

function verifyEthereum(owner: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = recoverKey(ethereumMessageHash(message), signature)
  return key !== undefined && equalBytes(key, owner)
}

function verifyTypedEthereum(owner: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const text = addressText(owner)
  if (text === undefined) return false
  const key = recoverKey(typedMessageHash(message, text.slice(2)), signature)
  if (key === undefined) return false
  const address = ethereumAddress(key)
  return text === address || text === address.toLowerCase()
}

function recoverKey(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const ending = signature[64]
  if (ending !== 27 && ending !== 28) return undefined
  const withBit = signature.slice()
  withBit[64] = ending - 27
  return secp256k1Recover(hash, withBit)
}

function addressText(owner: Uint8Array): string | undefined {
  if (owner.length !== 42 || !owner.every(byte => byte < 0x80)) return undefined
  const text = fromUtf8(owner)
  return /^0x[0-9a-fA-F]{40}$/.test(text) ? text : undefined
}
