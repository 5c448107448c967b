import Hypercore, { type HypercoreManifest } from 'hypercore'
import {
  asKeyId,
  asProcessId,
  decodeCbor,
  encodeCbor,
  type FeedSpec,
  fromBase64Url,
  toBase64Url,
} from '../../protocol/index.ts'

/**
 * The Hypercore manifest of a feed: signers, quorum, prologue, and `[kind, process, epoch]` in canonical CBOR as user
 * data. Its hash is the key, so whoever knows the spawn message can compute the key and verify every block.
 */
export function manifestOf(feed: FeedSpec): HypercoreManifest {
  return {
    version: 2,
    hash: 'blake2b',
    allowPatch: false,
    quorum: feed.quorum,
    signers: feed.signers.map(key => ({
      signature: 'ed25519',
      publicKey: Buffer.from(fromBase64Url(key)),
    })),
    ...(feed.prologue && { prologue: { hash: Buffer.from(feed.prologue.hash), length: feed.prologue.length } }),
    userData: Buffer.from(encodeCbor([feed.kind, fromBase64Url(feed.process), feed.epoch])),
  }
}

/** The key of a feed, 32 bytes; nothing is opened. */
export function keyOf(feed: FeedSpec): Uint8Array {
  return Hypercore.key(manifestOf(feed))
}

/** What the feed is called on disk, 32 bytes. */
export function discoveryKeyOf(feed: FeedSpec): Uint8Array {
  return Hypercore.discoveryKey(keyOf(feed))
}

/** The feed a stored manifest belongs to; nothing if it is no feed of a process. */
export function feedOf(manifest: HypercoreManifest): FeedSpec | undefined {
  if (manifest.version !== 2 || !(manifest.userData instanceof Uint8Array)) return undefined
  let fields: unknown
  try {
    fields = decodeCbor(new Uint8Array(manifest.userData))
  } catch {
    return undefined
  }
  if (!Array.isArray(fields) || fields.length !== 3) return undefined
  const [kind, process, epoch] = fields as readonly unknown[]
  if (kind !== 'messages' && kind !== 'results' && kind !== 'votes') return undefined
  if (!(process instanceof Uint8Array) || process.length !== 32 || typeof epoch !== 'number') return undefined
  return {
    kind,
    process: asProcessId(toBase64Url(process)),
    epoch,
    signers: manifest.signers.map(({ publicKey }) => asKeyId(toBase64Url(publicKey))),
    quorum: manifest.quorum,
    ...(manifest.prologue && {
      prologue: { length: manifest.prologue.length, hash: new Uint8Array(manifest.prologue.hash) },
    }),
  }
}
