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
  /** Where the root key is another than the subnet's: what it signs the subnet's delegation with. */
  readonly rootSecret: Uint8Array | undefined
  /** DER of the root key, which clients are told. */
  readonly rootKey: Uint8Array
  /** Of the key that certificates are signed with. */
  readonly subnetSecret: Uint8Array
  readonly subnetKey: Uint8Array
  readonly subnetId: Uint8Array
  /** Ed25519 seed, DER of the public key, and the principal of the node that signs queries. */
  readonly nodeSeed: Uint8Array
  readonly nodeKey: Uint8Array
  readonly nodeId: Uint8Array
}

const ED25519_DER = fromHex('302a300506032b6570032100')

/**
 * All keys follow from the node's seed, each in a domain of its own: there is no further secret to keep. With `rootSeed`, the root key is
 * that of the seed, which nodes may share, and delegates to a key of this node's own.
 */
export function deriveIcKeys(seed: Uint8Array, rootSeed?: Uint8Array): IcKeys {
  const root = keyOf(rootSeed ?? seed, 'atoll/ic/root/1')
  const subnet = rootSeed === undefined ? root : keyOf(seed, 'atoll/ic/subnet/1')
  const nodeSeed = domainHash('atoll/ic/node/1', seed)
  const nodeKey = concatBytes(ED25519_DER, ed25519PublicKey(nodeSeed))
  return {
    rootSecret: rootSeed === undefined ? undefined : root.secret,
    rootKey: root.der,
    subnetSecret: subnet.secret,
    subnetKey: subnet.der,
    subnetId: selfAuthenticating(subnet.der),
    nodeSeed,
    nodeKey,
    nodeId: selfAuthenticating(nodeKey),
  }
}

function keyOf(seed: Uint8Array, domain: string): { readonly secret: Uint8Array; readonly der: Uint8Array } {
  const secret = blsSecret(seed, domain)
  return { secret, der: blsKeyToDer(blsPublicKey(secret)) }
}
