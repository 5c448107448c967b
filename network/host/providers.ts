import type { KadDHT } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { type CallOptions, type KeyId, sha256 } from '../../protocol/index.ts'
import { keyOfPeer } from '../peers/peer-name.ts'

/** Codes of multiformats: bytes as they are, hashed with SHA-256. */
const RAW = 0x55
const SHA2_256 = 0x12

/** Who has what, as the distributed table says. Anybody may say anything there: it is where to ask, and no more. */
export class Providers {
  readonly #dht: KadDHT | undefined

  constructor(dht: KadDHT | undefined) {
    this.#dht = dht
  }

  /** Says that this node has what `name` stands for; it is said again by itself until the program ends. */
  async provide(name: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    for await (const _ of this.#dht?.provide(cidOf(name), signal && { signal }) ?? []);
  }

  /** Nodes that say they have it, each once, as they are found. */
  async *find(name: Uint8Array, { signal }: CallOptions = {}): AsyncGenerator<KeyId> {
    const found = new Set<KeyId>()
    for await (const event of this.#dht?.findProviders(cidOf(name), signal && { signal }) ?? []) {
      if (event.name !== 'PROVIDER') continue
      for (const { id } of event.providers) {
        const key = keyOfPeer(id)
        if (key === undefined || found.has(key)) continue
        found.add(key)
        yield key
      }
    }
  }
}

function cidOf(name: Uint8Array): CID {
  return CID.createV1(RAW, create(SHA2_256, sha256(name)))
}
