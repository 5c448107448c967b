import {
  blsKeyToDer,
  blsPublicKey,
  blsSecret,
  concatBytes,
  domainHash,
  ed25519PublicKey,
  fromHex,
  selfAuthenticating,
} from '../../protocol/index.ts'

/** What a node signs with for clients of the IC. */
export interface IcKeys {
  /** Of the root key, whose DER clients are told. */
  readonly rootSecret: Uint8Array
  readonly rootKey: Uint8Array
  readonly subnetId: Uint8Array
  /** Ed25519 seed, DER of the public key, and the principal of the node that signs queries. */
  readonly nodeSeed: Uint8Array
  readonly nodeKey: Uint8Array
  readonly nodeId: Uint8Array
}

const ED25519_DER = fromHex('302a300506032b6570032100')

/** Both keys follow from the node's seed, each in a domain of its own: there is no further secret to keep. */
export function deriveIcKeys(seed: Uint8Array): IcKeys {
  const rootSecret = blsSecret(seed, 'atoll/ic/root/1')
  const rootKey = blsKeyToDer(blsPublicKey(rootSecret))
  const nodeSeed = domainHash('atoll/ic/node/1', seed)
  const nodeKey = concatBytes(ED25519_DER, ed25519PublicKey(nodeSeed))
  return { rootSecret, rootKey, subnetId: selfAuthenticating(rootKey), nodeSeed, nodeKey, nodeId: selfAuthenticating(nodeKey) }
}
