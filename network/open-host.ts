import type { Libp2p, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
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
import { AcceptGate } from './accept-gate.ts'
import { type FrameCipher, noiseCrypto } from './frame-cipher.ts'
import { keyOfPeer, privateKeyOf } from './peer-name.ts'
import { type DiscoveryParts, discoveryOf, type HostServices, servicesOf } from './services.ts'
import type { StreamWatch } from './stream-watch.ts'
import { openTransports } from './transports.ts'
import { writingWhole } from './whole-writes.ts'

export type Host = Libp2p<HostServices>

export interface HostParts extends DiscoveryParts {
  readonly seed: Uint8Array
  readonly listen: readonly string[]
  /** Addresses that will be dialled. */
  readonly dialled: readonly string[]
  /** Whether nobody with this key is to be spoken to. */
  readonly isRefused: (key: KeyId) => boolean
  /** Who answered at an address that was dialled, and is not to be spoken to. */
  readonly refused: (key: KeyId, address: Multiaddr) => void
  readonly watch: StreamWatch
  /** Encrypts what goes over connections; libp2p's own, if not given. */
  readonly cipher?: FrameCipher | undefined
}

/** A host of libp2p with bounds on everything that a stranger can make it hold. */
export async function openHost(parts: HostParts): Promise<Host> {
  const { seed, listen, dialled, isRefused, refused, watch, cipher } = parts
  const refuse = (peer: PeerId): boolean => {
    const key = keyOfPeer(peer)
    return key === undefined || isRefused(key)
  }
  const refuseAnswer = (peer: PeerId, { remoteAddr }: MultiaddrConnection): boolean => {
    const key = keyOfPeer(peer)
    const isUnwanted = refuse(peer)
    if (isUnwanted && key !== undefined) refused(key, remoteAddr)
    return isUnwanted
  }
  const gate = new AcceptGate()
  const host = await createLibp2p<HostServices>({
    privateKey: privateKeyOf(seed),
    addresses: { listen: [...listen] },
    transports: await openTransports([...listen, ...dialled], gate),
    connectionEncrypters: [writingWhole(noise(cipher && { crypto: noiseCrypto(cipher) }))],
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
      denyOutboundEncryptedConnection: refuseAnswer,
      // Private addresses too: there are networks that have no others.
      denyDialMultiaddr: () => false,
    },
    connectionManager: {
      maxConnections: PEERS_MAX,
      maxIncomingPendingConnections: PEERS_PENDING_MAX,
      inboundConnectionThreshold: PEERS_PER_HOST_AND_SECOND_MAX,
      inboundUpgradeTimeout: PEER_DIAL_MAX_MS,
      dialTimeout: PEER_DIAL_MAX_MS,
      // Connections are kept up by static-peers.ts, with pauses of its own.
      reconnectRetries: 0,
    },
    // The default cuts a connection whose echo takes 5 s, which a busy one may. A node that is cut off and dies says nothing:
    // only this tells, and what follows it must go on elsewhere within half a minute.
    connectionMonitor: {
      pingInterval: 5_000,
      pingTimeout: { minTimeout: 15_000, maxTimeout: 30_000 },
    },
    metrics: () => watch.metrics,
    peerDiscovery: discoveryOf(parts),
    services: servicesOf(parts),
  })
  host.addEventListener('connection:open', ({ detail }) => {
    const address = hostOf(detail.remoteAddr)
    if (address !== undefined) gate.brought(address)
  })
  return host
}

/** The IP address in an address of a peer; nothing, if it is reached by another way. */
function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value
}
