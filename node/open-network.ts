import { Network } from '../network/index.ts'
import type { NodeKeys } from './keystore.ts'
import type { NodeLogger } from './logger.ts'
import { createPeerService, type PeerServiceParts } from './peer-service.ts'

export interface OpenNetworkParts {
  readonly keys: NodeKeys
  readonly logger: NodeLogger
  readonly options: {
    readonly listen?: readonly string[] | undefined
    readonly peer?: readonly string[] | undefined
  }
}

/** Any free port of loopback: who names peers and nothing else is not reached from outside. */
const LISTEN_DEFAULT = '/ip4/127.0.0.1/tcp/0'

/** The network of a node; none, if it is told neither where to listen nor whom to dial. */
export async function openNetwork({
  keys,
  logger,
  options,
}: OpenNetworkParts): Promise<Network | undefined> {
  const { listen = [], peer: peers = [] } = options
  if (listen.length + peers.length === 0) return undefined
  return Network.open({
    seed: keys.seed,
    listen: listen.length === 0 ? [LISTEN_DEFAULT] : listen.map(listenAddress),
    peers,
    trouble: (what, failure) =>
      logger.warn({ what, code: failure.code, ...failure.details }, failure.message),
  })
}

/** Begins to answer peers; what it gives ends that. */
export function serveOn(network: Network, parts: PeerServiceParts): AsyncDisposable {
  network.serve(createPeerService(parts))
  return { [Symbol.asyncDispose]: async () => network.stopServing() }
}

function listenAddress(text: string): string {
  return /^\d{1,5}$/.test(text) ? `/ip4/127.0.0.1/tcp/${text}` : text
}
