import { Network } from '../../network/index.ts'
import { nativeFrameCipher } from '../crypto/frame-cipher.ts'
import type { NodeKeys } from '../keystore.ts'
import type { NodeLogger } from '../logger.ts'
import { isAmongOthers, type NetworkOptions } from '../network-options.ts'

export interface OpenNetworkParts {
  readonly keys: NodeKeys
  readonly logger: NodeLogger
  readonly options: NetworkOptions & { readonly data: string }
}

/** Any free port of loopback: who names peers and nothing else is not reached from outside. */
const LISTEN_DEFAULT = '/ip4/127.0.0.1/tcp/0'

/** The network of a node; none, if it is told neither where to listen nor how to find others. */
export async function openNetwork({ keys, logger, options }: OpenNetworkParts): Promise<Network | undefined> {
  const { listen = [], peer = [], bootstrap = [], mdns = false, dht, relay, data } = options
  if (!isAmongOthers(options)) return undefined
  return Network.open({
    seed: keys.seed,
    listen: listen.length === 0 ? [LISTEN_DEFAULT] : listen.map(listenAddress),
    peers: peer,
    bootstrap,
    mdns,
    dht,
    relay,
    folder: data,
    cipher: nativeFrameCipher,
    trouble: (what, failure) => logger.warn({ what, code: failure.code, ...failure.details }, failure.message),
  })
}

function listenAddress(text: string): string {
  return /^\d{1,5}$/.test(text) ? `/ip4/127.0.0.1/tcp/${text}` : text
}
