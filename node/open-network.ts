import { Network } from '../network/index.ts'
import type { NodeKeys } from './keystore.ts'
import type { NodeLogger } from './logger.ts'

/** How a node is one among others. Without any of these it knows none. */
export interface NetworkOptions {
  /** Multiaddresses at which peers reach it, or ports of loopback. */
  readonly listen?: readonly string[] | undefined
  /** Multiaddresses of nodes to keep a connection to. */
  readonly peer?: readonly string[] | undefined
  /** Multiaddresses, with peer ids, of nodes that are asked for others. */
  readonly bootstrap?: readonly string[] | undefined
  /** Nodes of the local network find each other. */
  readonly mdns?: boolean | undefined
  /** It takes part in the distributed table of who is where. */
  readonly dht?: boolean | undefined
  /** It carries connections of nodes that cannot be reached. */
  readonly relay?: boolean | undefined
}

export interface OpenNetworkParts {
  readonly keys: NodeKeys
  readonly logger: NodeLogger
  readonly options: NetworkOptions & { readonly data: string }
}

/** Any free port of loopback: who names peers and nothing else is not reached from outside. */
const LISTEN_DEFAULT = '/ip4/127.0.0.1/tcp/0'

/** The network of a node; none, if it is told neither where to listen nor how to find others. */
export async function openNetwork({
  keys,
  logger,
  options,
}: OpenNetworkParts): Promise<Network | undefined> {
  const { listen = [], peer = [], bootstrap = [], mdns = false, dht, relay, data } = options
  if (listen.length === 0 && !knowsPeers(options)) return undefined
  return Network.open({
    seed: keys.seed,
    listen: listen.length === 0 ? [LISTEN_DEFAULT] : listen.map(listenAddress),
    peers: peer,
    bootstrap,
    mdns,
    dht,
    relay,
    folder: data,
    trouble: (what, failure) =>
      logger.warn({ what, code: failure.code, ...failure.details }, failure.message),
  })
}

/** Whether it is told how to find other nodes. */
export function knowsPeers({ peer = [], bootstrap = [], mdns = false }: NetworkOptions): boolean {
  return peer.length + bootstrap.length > 0 || mdns
}

function listenAddress(text: string): string {
  return /^\d{1,5}$/.test(text) ? `/ip4/127.0.0.1/tcp/${text}` : text
}
