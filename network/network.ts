import {
  asKeyId,
  type CallOptions,
  ed25519PublicKey,
  Failure,
  type KeyId,
  keyId,
  MalformedBytes,
  PEER_OPERATIONS,
  type PeerAnswer,
  type PeerOperationName,
  type PeerOperations,
  type PeerOperationRow,
  type PeerRequest,
} from '../protocol/index.ts'
import { FeedNetwork } from './feeds/feed-network.ts'
import { Links } from './links.ts'
import { type Host, openHost } from './open-host.ts'
import { parsePeerAddress, StaticPeers } from './static-peers.ts'
import { ServeTable } from './serve-table.ts'

export interface NetworkParts {
  /** The node's key: its peer id is made of it. */
  readonly seed: Uint8Array
  /** Multiaddresses to listen on; none: this node only dials. */
  readonly listen: readonly string[]
  /** Multiaddresses of peers to which connections are kept. */
  readonly peers: readonly string[]
  readonly trouble: (what: string, failure: Failure) => void
}

/** This node among others: connections, and what is asked over them. How it is made of libp2p: open-host.ts. */
export class Network implements AsyncDisposable {
  readonly key: KeyId
  /** Feeds that are followed over it. */
  readonly feeds: FeedNetwork
  readonly #host: Host
  readonly #links: Links
  readonly #served = new ServeTable()
  readonly #statics: StaticPeers
  readonly #parts: NetworkParts

  private constructor(parts: NetworkParts, host: Host) {
    this.key = asKeyId(keyId(ed25519PublicKey(parts.seed)))
    this.#parts = parts
    this.#host = host
    this.feeds = new FeedNetwork({ host, offence: (peer, what) => this.#offence(peer, what) })
    this.#links = new Links({
      key: this.key,
      host,
      serve: this.#served,
      offence: (peer, what) => this.#offence(peer, what),
      changed: () => undefined,
    })
    this.#statics = new StaticPeers({
      host,
      link: peer => this.#links.to(peer),
      trouble: (address, cause) =>
        parts.trouble('peer', new Failure('unreachable', { address }, { cause })),
    })
  }

  /** Listens, and begins to dial; answers `busy` until `serve` is called. @throws {Failure} `bad-config`, `port-in-use` */
  static async open(parts: NetworkParts): Promise<Network> {
    const peers = parts.peers.map(parsePeerAddress)
    for (const address of parts.listen) parsePeerAddress(address)
    const host = await openHost({
      seed: parts.seed,
      listen: parts.listen,
      isRefused: () => false,
    }).catch(cause => {
      throw new Failure('port-in-use', { listen: [...parts.listen] }, { cause })
    })
    const network = new Network(parts, host)
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

  /** From now on these answer what peers ask. */
  serve(operations: PeerOperations): void {
    this.#served.begin(operations)
  }

  /** From now on peers are told that the node is shutting down. */
  stopServing(): void {
    this.#served.end()
  }

  /** Asks a peer; dials it if need be. @throws {Failure} what it answered; `unreachable`, `timeout`, `aborted`, `busy`, `too-large` */
  async call<N extends PeerOperationName>(
    peer: KeyId,
    name: N,
    request: PeerRequest<N>,
    options?: CallOptions,
  ): Promise<PeerAnswer<N>> {
    const row = PEER_OPERATIONS[name] as unknown as PeerOperationRow<PeerRequest<N>, PeerAnswer<N>>
    const link = await this.#links.to(peer)
    const bytes = await link.one(
      name,
      row as PeerOperationRow,
      row.request.encode(request),
      options,
    )
    try {
      return row.answer.decode(bytes)
    } catch (cause) {
      if (!(cause instanceof MalformedBytes)) throw cause
      this.#offence(peer, `an answer to ${name} that is not of its shape`)
      throw new Failure(
        'unreachable',
        { peer, operation: name },
        { cause, note: 'its answer makes no sense' },
      )
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopServing()
    this.#statics.close()
    this.feeds[Symbol.dispose]()
    this.#links.close()
    await this.#host.stop()
  }

  #offence(peer: KeyId, what: string): void {
    this.#parts.trouble('peer', new Failure('malformed-request', { peer, what }))
  }
}
