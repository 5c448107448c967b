import { concatBytes, toHex } from '../bytes.ts'
import { sha256 } from '../crypto.ts'

/** What is checked: a key, a signature of one length, and a message of any. */
type Check = (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean

/** The same check, which is not repeated on what held lately. What did not hold is forgotten: anybody can bring any number of that. */
export function rememberingWhatHolds(check: Check, max: number): Check {
  const held = new Set<string>()
  return (key, signature, message) => {
    const name = toHex(sha256(concatBytes(key, signature, message)))
    if (held.has(name)) return true
    if (!check(key, signature, message)) return false
    const [oldest] = held
    if (oldest !== undefined && held.size >= max) held.delete(oldest)
    held.add(name)
    return true
  }
}
