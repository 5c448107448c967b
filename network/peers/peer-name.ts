import { privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import {
  asKeyId,
  concatBytes,
  ed25519PublicKey,
  Failure,
  fromBase64Url,
  isId,
  type KeyId,
  keyId,
} from '../../protocol/index.ts'

/** The peer id of a node: its key, in the form of libp2p. */
export function peerIdOf(key: KeyId): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(fromBase64Url(key)))
}

/** The key of a node's seed, in the form of libp2p; what libp2p makes of the seed alone takes it a tenth of a start. */
export function privateKeyOf(seed: Uint8Array): PrivateKey {
  return privateKeyFromRaw(concatBytes(seed, ed25519PublicKey(seed)))
}

/** The key behind a peer id; nothing, if it is of another kind than nodes have. */
export function keyOfPeer(peer: PeerId): KeyId | undefined {
  return peer.type === 'Ed25519' ? asKeyId(keyId(peer.publicKey.raw)) : undefined
}

/** The key that a text names: itself, or as the peer id of libp2p. @throws {Failure} `malformed-request` */
export function parsePeerName(text: string): KeyId {
  if (isId(text)) return asKeyId(text)
  try {
    const key = keyOfPeer(peerIdFromString(text))
    if (key !== undefined) return key
  } catch {
    // Said below.
  }
  throw new Failure(
    'malformed-request',
    { peer: text.slice(0, 128) },
    { note: 'expected a key or the peer id of a node' },
  )
}

/** An address without the peer id behind it: that stands beside it. */
export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
