import type { Duplex } from 'node:stream'
import type { Libp2p, Stream } from '@libp2p/interface'
import {
  Failure,
  FEED_FRAME_MAX_BYTES,
  type FeedLink,
  type FeedLinks,
  FEEDS_FOLLOWED_MAX_BYTES,
  feedName,
  FOLLOWER_FRAME_MAX_BYTES,
  type KeyId,
  type Log,
  PEER_DIAL_MAX_MS,
} from '../../protocol/index.ts'
import { Absences } from '../peers/absences.ts'
import { ByteDuplex } from '../host/byte-duplex.ts'
import { FairShare } from '../links/fair-share.ts'
import { FramedStream } from '../links/framed-stream.ts'
import { keyOfPeer, peerIdOf } from '../peers/peer-name.ts'
import { PeerFeeds } from './feed-link.ts'
import { FeedSource } from './feed-source.ts'
import type { OpenChannel } from './frame-channel.ts'

export const HEADS_PROTOCOL = '/atoll/heads/1'
export const HYPERCORE_PROTOCOL = '/atoll/hypercore/1'

export interface FeedNetworkParts {
  readonly host: Libp2p
  /** Makes sure of a connection. @throws {Failure} `unreachable` */
  readonly reach: (peer: KeyId) => Promise<unknown>
  readonly offence: (peer: KeyId, what: string) => void
}

/** Feeds over libp2p: one stream for each node that is followed, one for each that follows, and one for each program of Hypercores. */
export class FeedNetwork implements FeedLinks, Disposable {
  readonly #parts: FeedNetworkParts
  readonly #links = new Map<KeyId, Promise<PeerFeeds>>()
  readonly #absences = new Absences()
  readonly #sources = new Set<FeedSource>()
  readonly #room = new FairShare(FEEDS_FOLLOWED_MAX_BYTES)
  #watch: Disposable | undefined
  #closed = false

  constructor(parts: FeedNetworkParts) {
    this.#parts = parts
  }

  /** From now on the feeds of a log are given to whoever follows them. */
  async serve(log: Log): Promise<void> {
    this.#watch = log.watch(growth => {
      if (this.#sources.size === 0) return
      const name = feedName(growth.feed)
      for (const source of this.#sources) source.grew(name, growth)
    })
    await this.#parts.host.handle(
      HEADS_PROTOCOL,
      (stream, connection) => {
        const key = keyOfPeer(connection.remotePeer)
        if (key === undefined || this.#closed) return stream.abort(new Error('expected an Ed25519 peer'))
        const source: FeedSource = new FeedSource(channelOver(stream, FOLLOWER_FRAME_MAX_BYTES), {
          log,
          room: this.#room.open(),
          offence: what => this.#parts.offence(key, what),
          ended: () => this.#sources.delete(source),
        })
        this.#sources.add(source)
      },
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    )
  }

  /** From now on programs with Hypercores of their own get feeds; `replicate` is given their streams. */
  async serveHypercores(replicate: (stream: Duplex) => void): Promise<void> {
    await this.#parts.host.handle(
      HYPERCORE_PROTOCOL,
      stream => (this.#closed ? stream.abort(new Error('shutting down')) : replicate(new ByteDuplex(stream))),
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    )
  }

  /** Feeds that others follow here, and nodes that do. */
  get figures(): { readonly followers: number; readonly followed: number } {
    let followed = 0
    for (const { count } of this.#sources) followed += count
    return { followers: this.#sources.size, followed }
  }

  async open(peer: KeyId): Promise<FeedLink> {
    const failure = this.#absences.of(peer)
    if (failure !== undefined) throw failure
    const open = this.#links.get(peer)
    if (open !== undefined && (await open).isOpen) return open
    const opening = this.#dial(peer)
    this.#links.set(peer, opening)
    // Another may have taken its place meanwhile.
    const forget = (): void => {
      if (this.#links.get(peer) === opening) this.#links.delete(peer)
    }
    opening.then(
      ({ closed }) => {
        this.#absences.met(peer)
        void closed.then(forget)
      },
      error => {
        forget()
        this.#absences.missed(peer, Failure.from(error))
      },
    )
    return opening
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#watch?.[Symbol.dispose]()
    for (const source of this.#sources) source.close()
    for (const link of this.#links.values())
      link.then(
        one => one.close(),
        () => undefined,
      )
  }

  /** Nobody's wait ends it: others may wait for the same. */
  async #dial(peer: KeyId): Promise<PeerFeeds> {
    if (this.#closed) throw new Failure('shutting-down')
    try {
      await this.#parts.reach(peer)
      const stream = await this.#parts.host.dialProtocol(peerIdOf(peer), HEADS_PROTOCOL, {
        signal: AbortSignal.timeout(PEER_DIAL_MAX_MS),
        maxOutboundStreams: 2,
      })
      const link = new PeerFeeds(channelOver(stream, FEED_FRAME_MAX_BYTES), {
        peer,
        offence: what => this.#parts.offence(peer, what),
      })
      return link
    } catch (cause) {
      throw new Failure('unreachable', { peer }, { cause })
    }
  }
}

/** `maxBytes`: the longest frame that is taken. */
function channelOver(stream: Stream, maxBytes: number): OpenChannel {
  return events => new FramedStream({ stream, maxBytes, ...events })
}
