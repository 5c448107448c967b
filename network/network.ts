import { join } from 'node:path'
import type { Stream, StreamHandlerOptions } from '@libp2p/interface'
import {
  asKeyId,
  type CallOptions,
  ed25519PublicKey,
  Failure,
  type GossipPort,
  type KeyId,
  keyId,
  PEER_DIAL_MAX_MS,
  PEER_PROTOCOL_STREAMS_MAX,
  type PeerAnswer,
  type PeerOperationName,
  type PeerOperations,
  type PeerRequest,
  type PeerStreamName,
  SparseNews,
} from '../protocol/index.ts'
import { BlockList } from './peers/block-list.ts'
import type { FrameCipher } from './host/frame-cipher.ts'
import { Gossip } from './gossip.ts'
import { FeedNetwork } from './feeds/feed-network.ts'
import { type LinkCounts, Links } from './links/links.ts'
import { type Host, openHost } from './host/open-host.ts'
import { PeerCalls } from './links/peer-calls.ts'
import { keyOfPeer, peerIdOf } from './peers/peer-name.ts'
import { PeerControl } from './peers/peer-control.ts'
import { isLoopback, parsePeerAddress } from './peers/peer-status.ts'
import { Providers } from './host/providers.ts'
import { ServeTable } from './links/serve-table.ts'
import { type Offence, Standing } from './peers/standing.ts'
import { StreamWatch } from './host/stream-watch.ts'
import { StaticPeers } from './peers/static-peers.ts'

export interface NetworkParts {
  /** The node's key: its peer id is made of it. */
  readonly seed: Uint8Array
  /** Multiaddresses to listen on; none: this node only dials. */
  readonly listen: readonly string[]
  /** Multiaddresses of peers to which connections are kept. */
  readonly peers: readonly string[]
  /** Multiaddresses, with their peer ids, of nodes that are asked for others. */
  readonly bootstrap?: readonly string[] | undefined
  readonly mdns?: boolean | undefined
  readonly dht?: boolean | undefined
  readonly relay?: boolean | undefined
  /** Encrypts what goes over connections; libp2p's own, if not given. */
  readonly cipher?: FrameCipher | undefined
  /** Folder of what it remembers of peers; without one nothing outlives the program. */
  readonly folder?: string | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

/** This node among others: connections, and what is asked over them. How it is made of libp2p: open-host.ts. */
export class Network implements AsyncDisposable {
  readonly key: KeyId
  /** What is said to all. */
  readonly gossip: GossipPort
  /** Who has what, as the table of all nodes says; empty without `dht`. */
  readonly providers: Providers
  /** Feeds that are followed over it. */
  readonly feeds: FeedNetwork
  /** What whoever runs the node does about its peers. */
  readonly control: PeerControl
  readonly #host: Host
  readonly #links: Links
  readonly #calls: PeerCalls
  readonly #served = new ServeTable()
  readonly #statics: StaticPeers
  readonly #standing: Standing
  readonly #parts: NetworkParts
  readonly #watchers = new Set<() => void>()
  readonly #offences = new SparseNews()
  #watch: StreamWatch | undefined

  private constructor(
    parts: NetworkParts,
    host: Host,
    standing: Standing,
    blocked: BlockList,
    isRefused: (key: KeyId) => boolean,
  ) {
    this.key = asKeyId(keyId(ed25519PublicKey(parts.seed)))
    this.#parts = parts
    this.#host = host
    this.#standing = standing
    this.gossip = new Gossip({
      service: host.services.gossip,
      offence: peer => this.offend(peer, 'bad-gossip', 'a message that must not go around'),
    })
    this.providers = new Providers(host.services.dht)
    this.feeds = new FeedNetwork({
      host,
      reach: peer => this.#links.to(peer),
      offence: (peer, what) => this.offend(peer, 'malformed', what),
    })
    this.#links = new Links({
      key: this.key,
      host,
      serve: this.#served,
      offence: (peer, offence, what) => this.offend(peer, offence, what),
      changed: () => {
        for (const watcher of this.#watchers) watcher()
      },
    })
    this.#calls = new PeerCalls(this.#links, (peer, what) => this.offend(peer, 'malformed', what))
    this.#statics = new StaticPeers({
      host,
      link: peer => this.#links.to(peer),
      isRefused,
      trouble: (address, cause) => parts.trouble('peer', new Failure('unreachable', { address }, { cause })),
    })
    this.control = new PeerControl({
      host,
      links: this.#links,
      statics: this.#statics,
      standing,
      blocked,
    })
  }

  /** Listens, and begins to dial; answers `busy` until `serve` is called. @throws {Failure} `bad-config`, `port-in-use` */
  static async open(parts: NetworkParts): Promise<Network> {
    const { seed, listen, bootstrap = [], mdns = false, dht = false, relay = false, folder, cipher } = parts
    const peers = parts.peers.map(parsePeerAddress)
    for (const address of [...listen, ...bootstrap]) parsePeerAddress(address)
    const blocked = await BlockList.open(folder && join(folder, 'blocked-peers'))
    // Told by what is opened before it is there.
    const later: { network: Network | undefined } = { network: undefined }
    const standing = new Standing(key => void later.network?.control.hangUp(key))
    const isRefused = (key: KeyId): boolean => standing.isBanned(key) || blocked.has(key)
    const watch = new StreamWatch()
    const host = await openHost({
      watch,
      cipher,
      seed,
      listen,
      dialled: [...parts.peers, ...bootstrap],
      bootstrap,
      mdns,
      dht,
      relay,
      isPublic: listen.some(address => !isLoopback(address)),
      listens: listen.length > 0,
      isRefused,
      isKept: key => (later.network === undefined ? false : later.network.#statics.has(key)),
      refused: (key, address) => {
        if (later.network !== undefined) later.network.#statics.refused(key, address)
      },
    }).catch(cause => {
      throw Failure.is(cause) ? cause : new Failure('port-in-use', { listen: [...listen] }, { cause })
    })
    const network = new Network(parts, host, standing, blocked, isRefused)
    later.network = network
    network.#watch = watch
    watch.begin({ host, offence: (peer, what) => network.offend(peer, 'over-limit', what) })
    await network.#links.open()
    for (const peer of peers) network.#statics.add(peer)
    return network
  }

  /** Where others reach it, each with its peer id. */
  get addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map(String)
  }

  /** Its peer id as libp2p writes it. */
  get peerId(): string {
    return this.#host.peerId.toString()
  }

  /** Peers to which a link is open. */
  get peers(): readonly KeyId[] {
    return this.#links.peers
  }

  /** Calls `changed` each time a link opens or closes; gives what ends that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  /** Before a node that is not reached is given up, `find` looks where it is; whether it is worth dialling once more. */
  askWhere(find: (peer: KeyId) => Promise<boolean>): void {
    this.#links.askWhere(find)
  }

  /** From now on these answer what peers ask. */
  serve(operations: PeerOperations): void {
    this.#served.begin(operations)
  }

  /** From now on peers are told that the node is shutting down. */
  stopServing(): void {
    this.#served.end()
  }

  /** Asks a peer; dials it if need be. @throws {Failure} what it answered; `unreachable`, `timeout`, `aborted`, `busy`, `too-large` */
  call<N extends Exclude<PeerOperationName, PeerStreamName>>(
    peer: KeyId,
    name: N,
    request: PeerRequest<N>,
    options?: CallOptions,
  ): Promise<PeerAnswer<N>> {
    return this.#calls.call(peer, name, request, options)
  }

  /** Asks a peer for many answers; it stands still while nobody takes them. @throws {Failure} as `call` */
  follow<N extends PeerStreamName>(
    peer: KeyId,
    name: N,
    request: PeerRequest<N>,
    options?: Pick<CallOptions, 'signal'>,
  ): AsyncGenerator<PeerAnswer<N>> {
    return this.#calls.follow(peer, name, request, options)
  }

  /** Takes the streams of a protocol of its own that peers open, such as those that carry feeds. */
  async take(
    protocol: string,
    stream: (stream: Stream, peer: KeyId) => void,
    options: StreamHandlerOptions = {},
  ): Promise<void> {
    const limits = {
      maxInboundStreams: PEER_PROTOCOL_STREAMS_MAX,
      maxOutboundStreams: PEER_PROTOCOL_STREAMS_MAX,
      runOnLimitedConnection: true,
    }
    await this.#host.handle(
      protocol,
      (opened, connection) => {
        const peer = keyOfPeer(connection.remotePeer)
        if (peer === undefined) opened.abort(new Error('expected an Ed25519 peer'))
        else stream(opened, peer)
      },
      { ...limits, ...options },
    )
  }

  /** Opens a stream of a protocol of its own; dials if need be. @throws {Failure} `unreachable` */
  async open(
    peer: KeyId,
    protocol: string,
    { signal = AbortSignal.timeout(PEER_DIAL_MAX_MS) }: CallOptions = {},
  ): Promise<Stream> {
    try {
      return await this.#host.dialProtocol(peerIdOf(peer), protocol, {
        signal,
        maxOutboundStreams: PEER_PROTOCOL_STREAMS_MAX,
        runOnLimitedConnection: true,
      })
    } catch (cause) {
      throw new Failure('unreachable', { peer, protocol }, { cause })
    }
  }

  /** Writes down what a peer did wrong; enough of it, and it is cut and not spoken to for a while. */
  offend(peer: KeyId, offence: Offence, what: string): void {
    this.#standing.offend(peer, offence)
    // Keys cost nothing: whoever comes with a new one each time would write a line each time.
    const unsaid = this.#offences.happened()
    if (unsaid === undefined) return
    const weight = Math.round(this.#standing.weight(peer))
    const details = { peer, offence, what, weight, ...(unsaid > 0 && { unsaid }) }
    this.#parts.trouble('peer', new Failure('peer-offence', details))
  }

  /** Numbers for whoever watches the node. */
  get counts(): LinkCounts & { readonly connections: number; readonly cuts: number } {
    return { ...this.#links.counts, connections: this.#host.getConnections().length, cuts: this.#standing.cuts }
  }

  /** What the links of all times have carried. */
  get traffic(): { readonly received: number; readonly sent: number } {
    return this.#links.traffic
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopServing()
    this.#watch?.end()
    this.#statics.close()
    this.feeds[Symbol.dispose]()
    this.#links.close()
    await this.#host.stop()
  }
}
