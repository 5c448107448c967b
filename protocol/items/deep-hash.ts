import { toUtf8 } from '../codec/bytes.ts'
import { sha384, sha384Into } from '../crypto/crypto.ts'

/** A byte string, or a list of such, of any depth: what Arweave's deep hash is defined on. */
export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

const HASH_BYTES = 48

/** Lengths up to this have their tag hashes kept. */
const KEPT_TAG_MAX = 4096
const blobTags: (Uint8Array | undefined)[] = []

/** Blobs of one byte: clients put a space where there are no data. */
const byteHashes: (Uint8Array | undefined)[] = []

/** Both halves of the hash being made; hashing never yields, so one is enough. */
const pair = new Uint8Array(2 * HASH_BYTES)

/** Arweave's deep hash: SHA-384 over tagged SHA-384 hashes (ANS-104 §2.1); 48 bytes. */
export function deepHash(chunk: DeepHashChunk): Uint8Array {
  if (chunk instanceof Uint8Array) return hashBlob(chunk)
  let hash = hashListStart(chunk.length)
  for (const element of chunk) hash = hashPair(hash, deepHash(element))
  return hash
}

/** Deep hash of a list of which nothing is hashed yet; continue with `hashNext`. */
export function hashListStart(length: number): Uint8Array {
  return sha384(toUtf8(`list${length}`))
}

/** Deep hash of a list, one blob further. */
export function hashNext(hash: Uint8Array, blob: Uint8Array): Uint8Array {
  if (blob.length === 1) return hashPair(hash, hashBlob(blob))
  pair.set(hashBlobTag(blob.length))
  sha384Into(blob, pair, HASH_BYTES)
  sha384Into(pair, pair, HASH_BYTES)
  pair.set(hash)
  return sha384(pair)
}

function hashBlob(blob: Uint8Array): Uint8Array {
  const [byte] = blob
  return blob.length === 1 && byte !== undefined ? (byteHashes[byte] ??= hashAnyBlob(blob)) : hashAnyBlob(blob)
}

function hashAnyBlob(blob: Uint8Array): Uint8Array {
  return hashPair(hashBlobTag(blob.length), sha384(blob))
}

function hashBlobTag(length: number): Uint8Array {
  if (length > KEPT_TAG_MAX) return sha384(toUtf8(`blob${length}`))
  let hash = blobTags[length]
  if (hash === undefined) {
    hash = sha384(toUtf8(`blob${length}`))
    blobTags[length] = hash
  }
  return hash
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left)
  pair.set(right, HASH_BYTES)
  return sha384(pair)
}
