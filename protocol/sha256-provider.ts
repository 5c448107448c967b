import { concatBytes } from './bytes.ts'
import type { CryptoProvider } from './crypto.ts'
import { SHORT_MESSAGE_MAX_BYTES, ShortSha256 } from './short-sha256.ts'

type Sha256 = CryptoProvider['sha256']

/** Hashes many messages with a hash for one. */
export function hashOneByOne(sha256: Sha256): CryptoProvider['sha256Each'] {
  return (prefix, bytes, bounds) => {
    const digests = new Uint8Array(16 * bounds.length)
    for (let at = 0; at < bounds.length; at += 2) {
      const message = concatBytes(prefix, bytes.subarray(bounds[at], bounds[at + 1]))
      digests.set(sha256(message), 16 * at)
    }
    return digests
  }
}

/**
 * Short messages are hashed in WebAssembly, many at once; single ones of more than `shortMaxBytes` by `long`, which is
 * faster with them. Where WebAssembly may not be used, `long` does all.
 */
export function fastSha256(
  long: Sha256,
  shortMaxBytes: number,
): Pick<CryptoProvider, 'sha256' | 'sha256Each'> {
  const oneByOne = hashOneByOne(long)
  let short: ShortSha256
  try {
    short = new ShortSha256()
  } catch {
    return { sha256: long, sha256Each: oneByOne }
  }
  return {
    sha256: bytes => (bytes.length <= shortMaxBytes ? short.hash(bytes) : long(bytes)),
    sha256Each: (prefix, bytes, bounds) =>
      longestOf(bounds) <= SHORT_MESSAGE_MAX_BYTES
        ? short.hashEach(prefix, bytes, bounds)
        : oneByOne(prefix, bytes, bounds),
  }
}

function longestOf(bounds: readonly number[]): number {
  let longest = 0
  for (let at = 0; at < bounds.length; at += 2) {
    longest = Math.max(longest, (bounds[at + 1] ?? 0) - (bounds[at] ?? 0))
  }
  return longest
}
