import type { Libp2p, Stream } from '@libp2p/interface'
import { Failure, type KeyId, PEER_DIAL_MAX_MS } from '../../protocol/index.ts'
import { Absences } from '../peers/absences.ts'
import type { Serve } from './incoming-calls.ts'
import { queueMaxBytes } from './parts-lane.ts'
import { PeerLink } from './peer-link.ts'
import { keyOfPeer, peerIdOf } from '../peers/peer-name.ts'
import type { Offence } from '../peers/standing.ts'

export const LINK_PROTOCOL = '/atoll/rpc/1'

export interface LinksParts {
  readonly key: KeyId
  readonly host: Libp2p
  readonly serve: Serve
  readonly offence: (peer: KeyId, offence: Offence, what: string) => void
  readonly changed: () => void
}

/** Links, and what is under way on them. */
export interface LinkCounts {
  readonly links: number
  readonly incoming: number
  readonly outgoing: number
}

type Opening = PromiseWithResolvers<PeerLink>

/**
 * The links to all peers: one for each. Both may open one at the same time; then that of the smaller key stays, and
 * of two by the same side the newer, and the other ends when nothing is under way on it. Both sides choose alike.
 */
export class Links {
  readonly #parts: LinksParts
  readonly #links = new Map<KeyId, PeerLink>()
  readonly #all = new Set<PeerLink>()
  #received = 0
  #sent = 0
  readonly #opening = new Map<KeyId, Opening>()
  readonly #absences = new Absences()
  #find: (peer: KeyId) => Promise<boolean> = async () => false

  constructor(parts: LinksParts) {
    this.#parts = parts
  }

  /** Takes the streams that peers open. */
  async open(): Promise<void> {
    await this.#parts.host.handle(
      LINK_PROTOCOL,
      (stream, connection) => {
        const key = keyOfPeer(connection.remotePeer)
        if (key === undefined) stream.abort(new Error('expected an Ed25519 peer'))
        else this.#add(key, stream, false)
      },
      // One, and one more for the moment in which it takes the place of the other.
      { maxInboundStreams: 2, maxOutboundStreams: 2, runOnLimitedConnection: true },
    )
  }

  /** See `Network.askWhere`. */
  askWhere(find: (peer: KeyId) => Promise<boolean>): void {
    this.#find = find
  }

  /** Peers to which a link is open. */
  get peers(): readonly KeyId[] {
    return [...this.#links.keys()]
  }

  /** Bytes of all frames so far. */
  get traffic(): { readonly received: number; readonly sent: number } {
    return { received: this.#received, sent: this.#sent }
  }

  get counts(): LinkCounts {
    let [incoming, outgoing] = [0, 0]
    for (const { underWay } of this.#all) {
      incoming += underWay.incoming
      outgoing += underWay.outgoing
    }
    return { links: this.#all.size, incoming, outgoing }
  }

  /** The link to a peer; opened, and the peer dialled, if there is none. @throws {Failure} `unreachable` */
  async to(peer: KeyId): Promise<PeerLink> {
    const link = this.at(peer)
    if (link !== undefined) return link
    const opening = this.#opening.get(peer)
    if (opening !== undefined) return opening.promise
    const failure = this.#absences.of(peer)
    if (failure !== undefined && this.#parts.host.getConnections(peerIdOf(peer)).length === 0) throw failure
    return this.#open(peer)
  }

  /** The link to a peer, if one is open. */
  at(peer: KeyId): PeerLink | undefined {
    const link = this.#links.get(peer)
    return link?.isOpen === true ? link : undefined
  }

  close(): void {
    for (const link of this.#all) link.close()
  }

  /** Dials; whichever side opens the link first, it is there for all who wait. */
  #open(peer: KeyId): Promise<PeerLink> {
    const opening: Opening = Promise.withResolvers()
    this.#opening.set(peer, opening)
    const over = (): void => {
      if (this.#opening.get(peer) === opening) this.#opening.delete(peer)
    }
    this.#dial(peer).then(
      link => {
        over()
        opening.resolve(link)
      },
      error => {
        over()
        if (this.at(peer) === undefined) this.#absences.missed(peer, Failure.from(error))
        opening.reject(error)
      },
    )
    return opening.promise
  }

  async #dial(peer: KeyId): Promise<PeerLink> {
    if (peer === this.#parts.key) throw new Failure('unreachable', { peer }, { note: 'that is this node' })
    try {
      return await this.#dialOnce(peer)
    } catch (cause) {
      if (await this.#find(peer).catch(() => false)) return this.#dialOnce(peer)
      throw cause
    }
  }

  async #dialOnce(peer: KeyId): Promise<PeerLink> {
    try {
      const signal = AbortSignal.timeout(PEER_DIAL_MAX_MS)
      const stream = await this.#parts.host.dialProtocol(peerIdOf(peer), LINK_PROTOCOL, {
        signal,
        maxOutboundStreams: 2,
        runOnLimitedConnection: true,
      })
      return this.#add(peer, stream, true)
    } catch (cause) {
      throw new Failure('unreachable', { peer }, { cause })
    }
  }

  #add(peer: KeyId, stream: Stream, isOpener: boolean): PeerLink {
    const { serve, offence, key, changed } = this.#parts
    const link = new PeerLink({
      stream,
      peer,
      isOpener,
      serve,
      queueMaxBytes: () => queueMaxBytes(this.#all.size),
      offence: (kind, what) => offence(peer, kind, what),
      carried: (received, sent) => {
        this.#received += received
        this.#sent += sent
      },
      closed: gone => {
        this.#all.delete(gone)
        if (this.#links.get(peer) === gone) this.#links.delete(peer)
        changed()
      },
    })
    this.#all.add(link)
    const before = this.at(peer)
    const opensFirst = (one: PeerLink): boolean => one.isOpener === key < peer
    const stays = before === undefined || opensFirst(link) || !opensFirst(before)
    if (stays) this.#links.set(peer, link)
    if (before !== undefined) (stays ? before : link).retire()
    this.#absences.met(peer)
    this.#opening.get(peer)?.resolve(link)
    this.#opening.delete(peer)
    changed()
    return this.at(peer) ?? link
  }
}
