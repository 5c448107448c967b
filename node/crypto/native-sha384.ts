/**
 * SHA-384 at twice the speed for short inputs. It is SHA-512 with another start and a shorter end
 * (FIPS 180-4 §5.3.4), and libsodium's SHA-512 has its state in the caller's bytes, at a third of
 * OpenSSL's cost for a call. Deep hashes are made of many short ones. Checked when loaded: should
 * libsodium ever order its state otherwise, OpenSSL does all.
 */
import { hash } from 'node:crypto'
import sodium from 'sodium-native'

/** Beyond this OpenSSL is faster. */
const SHORT_MAX_BYTES = 512

const DIGEST_BYTES = 48
const INITIAL_STATE = initialState()
const state = new Uint8Array(INITIAL_STATE.length)
const digest512 = new Uint8Array(64)
const isShortPathRight = [0, 1, 96, 111, 112, 128, 240].every(length => {
  const bytes = new Uint8Array(length).fill(length)
  return Buffer.compare(shortSha384(bytes), longSha384(bytes)) === 0
})

/** SHA-384 of `bytes`: 48 bytes. */
export function nativeSha384(bytes: Uint8Array): Uint8Array {
  return isShortPathRight && bytes.length <= SHORT_MAX_BYTES ? shortSha384(bytes) : longSha384(bytes)
}

/** The same, put into `into` from `at` on. */
export function nativeSha384Into(bytes: Uint8Array, into: Uint8Array, at: number): void {
  if (isShortPathRight && bytes.length <= SHORT_MAX_BYTES) shortSha384Into(bytes, into, at)
  else into.set(longSha384(bytes), at)
}

function shortSha384(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES)
  shortSha384Into(bytes, digest, 0)
  return digest
}

function shortSha384Into(bytes: Uint8Array, into: Uint8Array, at: number): void {
  state.set(INITIAL_STATE)
  sodium.crypto_hash_sha512_update(state, bytes)
  sodium.crypto_hash_sha512_final(state, digest512)
  for (let index = 0; index < DIGEST_BYTES; index++) into[at + index] = digest512[index] ?? 0
}

function longSha384(bytes: Uint8Array): Uint8Array {
  const digest = hash('sha384', bytes, 'buffer')
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength)
}

/** Eight words, then a count and a block that are zero. */
function initialState(): Uint8Array {
  const bytes = new Uint8Array(sodium.crypto_hash_sha512_STATEBYTES)
  new BigUint64Array(bytes.buffer, 0, 8).set([
    0xcbbb9d5dc1059ed8n,
    0x629a292a367cd507n,
    0x9159015a3070dd17n,
    0x152fecd8f70e5939n,
    0x67332667ffc00b31n,
    0x8eb44a8768581511n,
    0xdb0c2e0d64f98fa7n,
    0x47b5481dbefa4fa4n,
  ])
  return bytes
}
