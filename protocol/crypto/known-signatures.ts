import { equalBytes, toBase64Url } from '../codec/bytes.ts'

export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

interface Held {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
}

/**
 * A check that remembers the last `knownMax` signatures that held, with their messages. A look is a hundredth of a
 * verification. What does not hold is verified each time, and costs no room: anybody can bring any number of that.
 */
export class KnownSignatures {
  readonly #verify: Verify
  readonly #knownMax: number
  readonly #known = new Map<string, Held>()

  constructor(verify: Verify, knownMax: number) {
    this.#verify = verify
    this.#knownMax = knownMax
  }

  readonly holds: Verify = (publicKey, message, signature) => {
    const held = this.#known.get(toBase64Url(signature))
    if (held !== undefined && equalBytes(held.message, message) && equalBytes(held.publicKey, publicKey)) return true
    if (!this.#verify(publicKey, message, signature)) return false
    this.remember(publicKey, message, signature)
    return true
  }

  /** Takes it that a signature holds: somebody who is believed has verified it. */
  remember(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
    if (this.#known.size >= this.#knownMax) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#known.delete(oldest)
    }
    this.#known.set(toBase64Url(signature), { publicKey: publicKey.slice(), message: message.slice() })
  }
}
