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

const ED25519_DER = fromHex('302a300506032b6570032100')
const ROOT_DOMAIN = 'atoll/ic/root/1'
const SUBNET_DOMAIN = 'atoll/ic/subnet/1'

/**
 * What a node signs with for clients of the IC. All keys follow from the node's seed, each in a domain of its own: there is no further
 * secret to keep. With `rootSeed`, the root key is that of the seed, which nodes may share, and delegates to a key of this node's own.
 * Public keys of BLS are made when they are first looked at: they take tens of milliseconds, and most nodes never see a client of the IC.
 */
export class IcKeys {
  /** Where the root key is another than the subnet's: what it signs the subnet's delegation with. */
  readonly rootSecret: Uint8Array | undefined
  /** Of the key that certificates are signed with. */
  readonly subnetSecret: Uint8Array
  /** Ed25519 seed, DER of the public key, and the principal of the node that signs queries. */
  readonly nodeSeed: Uint8Array
  readonly nodeKey: Uint8Array
  readonly nodeId: Uint8Array
  #rootKey: Uint8Array | undefined
  #subnetKey: Uint8Array | undefined

  constructor(seed: Uint8Array, rootSeed?: Uint8Array) {
    this.rootSecret = rootSeed && blsSecret(rootSeed, ROOT_DOMAIN)
    this.subnetSecret = rootSeed === undefined ? blsSecret(seed, ROOT_DOMAIN) : blsSecret(seed, SUBNET_DOMAIN)
    this.nodeSeed = domainHash('atoll/ic/node/1', seed)
    this.nodeKey = concatBytes(ED25519_DER, ed25519PublicKey(this.nodeSeed))
    this.nodeId = selfAuthenticating(this.nodeKey)
  }

  /** DER of the root key, which clients are told. */
  get rootKey(): Uint8Array {
    this.#rootKey ??= this.rootSecret === undefined ? this.subnetKey : publicKeyOf(this.rootSecret)
    return this.#rootKey
  }

  /** Keys of canister signatures, where no process says which. */
  get rootKeys(): readonly Uint8Array[] {
    return [this.rootKey]
  }

  get subnetKey(): Uint8Array {
    this.#subnetKey ??= publicKeyOf(this.subnetSecret)
    return this.#subnetKey
  }

  get subnetId(): Uint8Array {
    return selfAuthenticating(this.subnetKey)
  }
}

function publicKeyOf(secret: Uint8Array): Uint8Array {
  return blsKeyToDer(blsPublicKey(secret))
}
