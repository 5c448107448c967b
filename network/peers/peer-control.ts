import { type CallOptions, Failure, type KeyId, PEER_DIAL_MAX_MS } from '../../protocol/index.ts'
import { toldOf } from '../host/bounded-book.ts'
import { peerIdOf } from './peer-name.ts'
import { parsePeerAddress, peerStatuses, type PeerStatus, type StatusParts } from './peer-status.ts'

/** What whoever runs the node does about its peers. */
export class PeerControl {
  readonly #parts: StatusParts

  constructor(parts: StatusParts) {
    this.#parts = parts
  }

  /** Every peer that is connected, dialled, banned or blocked. */
  list(): readonly PeerStatus[] {
    return peerStatuses(this.#parts)
  }

  /** Keeps a connection to the node at an address, until the program ends. @throws {Failure} `bad-config` */
  add(address: string): void {
    this.#parts.statics.add(parsePeerAddress(address))
  }

  /** Remembers where a node is said to be; false if an address is none. */
  learn(peer: KeyId, addresses: readonly string[]): boolean {
    try {
      const multiaddrs = addresses.map(parsePeerAddress)
      void this.#parts.host.peerStore.merge(peerIdOf(peer), toldOf(multiaddrs)).catch(() => undefined)
      return true
    } catch {
      return false
    }
  }

  /** Makes sure of a link to a node. @throws {Failure} `unreachable` */
  async reach(peer: KeyId): Promise<void> {
    await this.#parts.links.to(peer)
  }

  /** Milliseconds until its echo is back. @throws {Failure} `unreachable` */
  async ping(peer: KeyId, { signal = AbortSignal.timeout(PEER_DIAL_MAX_MS) }: CallOptions = {}): Promise<number> {
    try {
      return await this.#parts.host.services.ping.ping(peerIdOf(peer), { signal })
    } catch (cause) {
      throw new Failure('unreachable', { peer }, { cause })
    }
  }

  /** Speaks to it no more, not after a restart either. */
  async block(peer: KeyId): Promise<void> {
    await this.#parts.blocked.add(peer)
    await this.hangUp(peer)
  }

  /** Speaks to it again, whatever it did. */
  async unblock(peer: KeyId): Promise<void> {
    this.#parts.standing.pardon(peer)
    await this.#parts.blocked.remove(peer)
    this.#parts.statics.pardoned(peer)
  }

  /** Ends every connection to it. */
  async hangUp(peer: KeyId): Promise<void> {
    const { links, host } = this.#parts
    links.at(peer)?.abort(new Error('the peer is not spoken to'))
    await host.hangUp(peerIdOf(peer)).catch(() => undefined)
  }
}
