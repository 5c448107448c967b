import type { CryptoProvider } from './crypto.ts'
import { SHORT_MESSAGE_MAX_BYTES, ShortSha256 } from './short-sha256.ts'

/** The hash of two pieces of bytes, one behind the other. */
type HashOfTwo = (prefix: Uint8Array, bytes: Uint8Array) => Uint8Array

/** Hashes many messages with a hash for one. */
export function hashOneByOne(hash: HashOfTwo): CryptoProvider['sha256Each'] {
  return (prefix, bytes, bounds) => {
    const digests = new Uint8Array(16 * bounds.length)
    for (let at = 0; at < bounds.length; at += 2) {
      digests.set(hash(prefix, bytes.subarray(bounds[at], bounds[at + 1])), 16 * at)
    }
    return digests
  }
}

/**
 * Short messages are hashed in WebAssembly, several at once; single ones of more than `shortMaxBytes`, and all that are
 * longer than a lane, by `long`, which is faster with them. Where WebAssembly may not be used, `long` does all.
 */
export function fastSha256(long: HashOfTwo, shortMaxBytes: number): Pick<CryptoProvider, 'sha256' | 'sha256Each'> {
  const oneByOne = hashOneByOne(long)
  let short: ShortSha256
  try {
    short = new ShortSha256()
  } catch {
    return { sha256: bytes => long(NO_BYTES, bytes), sha256Each: oneByOne }
  }
  return {
    sha256: bytes => (bytes.length <= shortMaxBytes ? short.hash(bytes) : long(NO_BYTES, bytes)),
    sha256Each: (prefix, bytes, bounds) =>
      longestOf(bounds) <= (bounds.length === 2 ? shortMaxBytes : SHORT_MESSAGE_MAX_BYTES)
        ? short.hashEach(prefix, bytes, bounds)
        : oneByOne(prefix, bytes, bounds),
  }
}

const NO_BYTES = new Uint8Array(0)

function longestOf(bounds: readonly number[]): number {
  let longest = 0
  for (let at = 0; at < bounds.length; at += 2) {
    longest = Math.max(longest, (bounds[at + 1] ?? 0) - (bounds[at] ?? 0))
  }
  return longest
}
