import { equalBytes } from '../protocol/index.ts'

type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

interface Held {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
}

/** Signatures that are remembered: on the certificates of the last thousand frames or so, by three units each. A few hundred bytes each. */
const KNOWN_MAX = 4096

/**
 * Remembers signatures that held: a certificate comes with each push of its frame, to each of their receivers, and was heard from its
 * unit before. A look is a hundredth of a verification. What does not hold is verified each time: it costs no room.
 */
export function knowingSignatures(verify: Verify): Verify {
  const known = new Map<string, Held>()
  return (publicKey, message, signature) => {
    const { buffer, byteOffset, length } = signature
    const name = Buffer.from(buffer, byteOffset, length).toString('latin1')
    const held = known.get(name)
    if (held !== undefined && equalBytes(held.message, message) && equalBytes(held.publicKey, publicKey)) return true
    if (!verify(publicKey, message, signature)) return false
    if (known.size >= KNOWN_MAX) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    known.set(name, { publicKey: publicKey.slice(), message: message.slice() })
    return true
  }
}
