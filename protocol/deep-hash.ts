import { toUtf8 } from './bytes.ts'
import { sha384, sha384Into } from './crypto.ts'

/** A byte string, or a list of such, of any depth: what Arweave's deep hash is defined on. */
export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

const HASH_BYTES = 48

/** Lengths up to this have their tag hashes kept. */
const KEPT_TAG_MAX = 4096
const blobTags: (Uint8Array | undefined)[] = []

/** Blobs of one byte: clients put a space where there are no data. */
const byteHashes: (Uint8Array | undefined)[] = []

/** Both halves of the hash being made, of a list and of a blob in it; hashing never yields, so one of each is enough. */
const pair = new Uint8Array(2 * HASH_BYTES)
const blobPair = new Uint8Array(2 * HASH_BYTES)

/** Arweave's deep hash: SHA-384 over tagged SHA-384 hashes (ANS-104 §2.1); 48 bytes. */
export function deepHash(chunk: DeepHashChunk): Uint8Array {
  if (chunk instanceof Uint8Array) return hashBlob(chunk)
  let hash = hashListStart(chunk.length)
  for (const element of chunk) {
    const next = deepHash(element)
    pair.set(hash)
    pair.set(next, HASH_BYTES)
    hash = sha384(pair)
  }
  return hash
}

/** Deep hash of a list of which nothing is hashed yet; continue with `hashOn`. */
export function hashListStart(length: number): Uint8Array {
  return sha384(toUtf8(`list${length}`))
}

/** Deep hash of a list, these blobs further. */
export function hashOn(hash: Uint8Array, blobs: readonly Uint8Array[]): Uint8Array {
  pair.set(hash)
  for (const blob of blobs) {
    const [byte] = blob
    if (blob.length === 1 && byte !== undefined) pair.set((byteHashes[byte] ??= hashBlob(blob)), HASH_BYTES)
    else sha384Into(taggedBlob(blob), pair, HASH_BYTES)
    sha384Into(pair, pair, 0)
  }
  return pair.slice(0, HASH_BYTES)
}

function hashBlob(blob: Uint8Array): Uint8Array {
  return sha384(taggedBlob(blob))
}

/** What the hash of a blob is made of; only until the next call. */
function taggedBlob(blob: Uint8Array): Uint8Array {
  blobPair.set(hashBlobTag(blob.length))
  sha384Into(blob, blobPair, HASH_BYTES)
  return blobPair
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
