import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { asKeyId, fromBase64Url, type KeyId, keyId } from '../protocol/index.ts'

/** The peer id of a node: its key, in the form of libp2p. */
export function peerIdOf(key: KeyId): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(fromBase64Url(key)))
}

/** The key behind a peer id; nothing, if it is of another kind than nodes have. */
export function keyOfPeer(peer: PeerId): KeyId | undefined {
  return peer.type === 'Ed25519' ? asKeyId(keyId(peer.publicKey.raw)) : undefined
}
