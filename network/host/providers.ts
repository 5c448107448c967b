import { setTimeout as sleep } from 'node:timers/promises'
import type { KadDHT } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { type CallOptions, type KeyId, sha256 } from '../../protocol/index.ts'
import { keyOfPeer } from '../peers/peer-name.ts'

/** Codes of multiformats: bytes as they are, hashed with SHA-256. */
const RAW = 0x55
const SHA2_256 = 0x12

/** Between two things that are said to the table, or asked: each is a stream or two to every node that is near, and they count those. */
const [SAY_EVERY_MS, ASK_EVERY_MS] = [125, 60]

/**
 * Who has what, as the distributed table says. Anybody may say anything there: it is where to ask, and no more.
 *
 * A node that has a thousand feeds says so of one after the other: of what is said at once, libp2p leaves out without a word what finds no stream.
 */
export class Providers {
  readonly #dht: KadDHT | undefined
  readonly #said = new Pace(SAY_EVERY_MS)
  readonly #asked = new Pace(ASK_EVERY_MS)

  constructor(dht: KadDHT | undefined) {
    this.#dht = dht
  }

  /** Says that this node has what `name` stands for; it is said again by itself until the program ends. */
  async provide(name: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    if (this.#dht === undefined) return
    await this.#said.turn()
    signal?.throwIfAborted()
    for await (const _ of this.#dht.provide(cidOf(name), signal && { signal }));
  }

  /** Nodes that say they have it, each once, as they are found. */
  async *find(name: Uint8Array, { signal }: CallOptions = {}): AsyncGenerator<KeyId> {
    if (this.#dht === undefined) return
    await this.#asked.turn()
    signal?.throwIfAborted()
    const found = new Set<KeyId>()
    for await (const event of this.#dht.findProviders(cidOf(name), signal && { signal })) {
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

/** Turns that begin one after the other, no two of them sooner than so many milliseconds. */
class Pace {
  readonly #everyMs: number
  #next: Promise<unknown> = Promise.resolve()

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** Resolves when it is one's turn. */
  turn(): Promise<unknown> {
    const turn = this.#next
    this.#next = turn.then(() => sleep(this.#everyMs, undefined, { ref: false }))
    return turn
  }
}

function cidOf(name: Uint8Array): CID {
  return CID.createV1(RAW, create(SHA2_256, sha256(name)))
}
