import { createHash, hash } from 'node:crypto'
import { type CryptoProvider, fastSha256 } from '../protocol/index.ts'

/** Beyond this one call into OpenSSL is faster. */
const SHORT_MAX_BYTES = 512

/** Hashes of a compute host, which has no native addons; it checks no signature. */
export const hostCrypto: Partial<CryptoProvider> = {
  ...fastSha256(longSha256, SHORT_MAX_BYTES),
  sha384: bytes => createHash('sha384').update(bytes).digest(),
}

/** SHA-256 of two pieces by OpenSSL: for what is not short, several times faster than any other here. */
export function longSha256(prefix: Uint8Array, bytes: Uint8Array): Uint8Array {
  const digest =
    prefix.length === 0
      ? hash('sha256', bytes, 'buffer')
      : createHash('sha256').update(prefix).update(bytes).digest()
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength)
}
