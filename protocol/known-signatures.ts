import { equalBytes, toBase64Url } from './bytes.ts'

type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

interface Held {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
}

/**
 * The same check, which remembers the last `knownMax` signatures that held, with their messages. A look is a hundredth of a
 * verification. What does not hold is verified each time, and costs no room: anybody can bring any number of that.
 */
export function knowingSignatures(verify: Verify, knownMax: number): Verify {
  const known = new Map<string, Held>()
  return (publicKey, message, signature) => {
    const name = toBase64Url(signature)
    const held = known.get(name)
    if (held !== undefined && equalBytes(held.message, message) && equalBytes(held.publicKey, publicKey)) return true
    if (!verify(publicKey, message, signature)) return false
    if (known.size >= knownMax) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    known.set(name, { publicKey: publicKey.slice(), message: message.slice() })
    return true
  }
}
