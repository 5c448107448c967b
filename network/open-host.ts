import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import {
  type KeyId,
  PEER_DIAL_MAX_MS,
  PEER_STREAMS_MAX,
  PEER_WINDOW_MAX_BYTES,
  PEERS_MAX,
  PEERS_PENDING_MAX,
  PEERS_PER_HOST_AND_SECOND_MAX,
} from '../protocol/index.ts'
import { keyOfPeer } from './peer-name.ts'

export type Host = Libp2p<{ identify: Identify; ping: Ping }>

export interface HostParts {
  readonly seed: Uint8Array
  readonly listen: readonly string[]
  /** Whether nobody with this key is to be spoken to. */
  readonly isRefused: (key: KeyId) => boolean
}

/** A host of libp2p with bounds on everything that a stranger can make it hold. */
export async function openHost({ seed, listen, isRefused }: HostParts): Promise<Host> {
  const refuse = (peer: Parameters<typeof keyOfPeer>[0]): boolean => {
    const key = keyOfPeer(peer)
    return key === undefined || isRefused(key)
  }
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: [...listen] },
    transports: [
      tcp({ maxConnections: PEERS_MAX + PEERS_PENDING_MAX, backlog: PEERS_PENDING_MAX }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: PEER_STREAMS_MAX,
        maxOutboundStreams: PEER_STREAMS_MAX,
        streamOptions: {
          maxStreamWindowSize: PEER_WINDOW_MAX_BYTES,
          maxReadBufferLength: 2 * PEER_WINDOW_MAX_BYTES,
          maxWriteBufferLength: 2 * PEER_WINDOW_MAX_BYTES,
        },
      }),
    ],
    connectionGater: {
      denyDialPeer: refuse,
      denyInboundEncryptedConnection: refuse,
      // By default private addresses are not dialled in browsers; here all are.
      denyDialMultiaddr: () => false,
    },
    connectionManager: {
      maxConnections: PEERS_MAX,
      maxIncomingPendingConnections: PEERS_PENDING_MAX,
      inboundConnectionThreshold: PEERS_PER_HOST_AND_SECOND_MAX,
      inboundUpgradeTimeout: PEER_DIAL_MAX_MS,
      dialTimeout: PEER_DIAL_MAX_MS,
      // Links are kept up by redial.ts, with its own pauses.
      reconnectRetries: 0,
    },
    // The default cuts a connection whose echo takes 5 s, which a busy one may.
    connectionMonitor: {
      pingInterval: 30_000,
      pingTimeout: { minTimeout: 60_000, maxTimeout: 120_000 },
    },
    services: { identify: identify(), ping: ping() },
  })
}
