import { createHash, hash } from 'node:crypto'
import { type CryptoProvider, fastSha256 } from '../../protocol/index.ts'

/**
 * Beyond this one call into OpenSSL is faster, which uses what the processor has for it. Its digest lies in a buffer of
 * its own, which costs the collector as much again: one in WebAssembly does not.
 */
const SHORT_MAX_BYTES = 256

/** SHA-256 wherever there is Node. */
export const hostSha256 = fastSha256(longSha256, SHORT_MAX_BYTES)

/** Hashes of a compute host, which has no native addons; it checks no signature. */
export const hostCrypto: Partial<CryptoProvider> = {
  ...hostSha256,
  sha384: bytes => createHash('sha384').update(bytes).digest(),
}

/** Pieces that are joined first: copying so much costs less than a hash object of the engine. */
const JOINED_MAX_BYTES = 8 * 1024
const joined = new Uint8Array(JOINED_MAX_BYTES)

/** SHA-256 of two pieces by OpenSSL: for what is not short, several times faster than any other here. */
function longSha256(prefix: Uint8Array, bytes: Uint8Array): Uint8Array {
  const digest = digestOf(prefix, bytes)
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength)
}

function digestOf(prefix: Uint8Array, bytes: Uint8Array): Buffer {
  if (prefix.length === 0) return hash('sha256', bytes, 'buffer')
  const length = prefix.length + bytes.length
  if (length > JOINED_MAX_BYTES) return createHash('sha256').update(prefix).update(bytes).digest()
  joined.set(prefix)
  joined.set(bytes, prefix.length)
  return hash('sha256', joined.subarray(0, length), 'buffer')
}
