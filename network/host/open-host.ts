import type { Address, Libp2p, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import {
  circuitRelayAddressesLast,
  loopbackAddressLast,
  publicAddressesFirst,
  reliableTransportsFirst,
} from '@libp2p/utils'
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
  PEER_RECORDS_MAX,
  STRANGERS_KNOWN_MAX,
} from '../../protocol/index.ts'
import { AcceptGate } from './accept-gate.ts'
import { askingMuxer } from './asking-muxer.ts'
import { boundBook, signedFirst } from './bounded-book.ts'
import { writeNewsOnly } from './brief-notes.ts'
import { leadsElsewhere } from './dialled-address.ts'
import { type FrameCipher, noiseCrypto } from './frame-cipher.ts'
import { ipOf } from './host-of.ts'
import { keyOfPeer, privateKeyOf } from '../peers/peer-name.ts'
import { Places } from './places.ts'
import { quietLengths } from './quiet-lengths.ts'
import { freePlaces, isCrowded } from './relay-places.ts'
import { type DiscoveryParts, discoveryOf, type HostServices, servicesOf } from './services.ts'
import { silentLogger } from './silent-logger.ts'
import type { StreamWatch } from './stream-watch.ts'
import { openTransports } from './transports.ts'
import { writingWhole } from './whole-writes.ts'
import { takingParts } from './yamux-frames.ts'

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
  /** Whether a connection to it is to be kept whatever comes. */
  readonly isKept: (key: KeyId) => boolean
  readonly watch: StreamWatch
  /** Encrypts what goes over connections; libp2p's own, if not given. */
  readonly cipher?: FrameCipher | undefined
}

/** A host of libp2p with bounds on everything that a stranger can make it hold. */
export async function openHost(parts: HostParts): Promise<Host> {
  const { seed, listen, dialled, isRefused, refused, isKept, watch, cipher } = parts
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
  const places = new Places({ max: PEERS_MAX, isKept })
  const gate = new AcceptGate(from => places.isFreeFor(from))
  const host: Host = await createLibp2p<HostServices>({
    start: false,
    // Who looks for a fault in libp2p sets what it looks at itself.
    ...(process.env['DEBUG'] === undefined && { logger: silentLogger }),
    privateKey: privateKeyOf(seed),
    addresses: { listen: [...listen] },
    transports: await openTransports([...listen, ...dialled], gate),
    connectionEncrypters: [quietLengths(writingWhole(noise(cipher && { crypto: noiseCrypto(cipher) })))],
    streamMuxers: [
      askingMuxer(
        takingParts(
          yamux({
            maxInboundStreams: PEER_STREAMS_MAX,
            maxOutboundStreams: PEER_STREAMS_MAX,
            streamOptions: {
              maxStreamWindowSize: PEER_WINDOW_MAX_BYTES,
              maxReadBufferLength: 2 * PEER_WINDOW_MAX_BYTES,
              maxWriteBufferLength: 2 * PEER_WINDOW_MAX_BYTES,
            },
          }),
        ),
      ),
    ],
    connectionGater: {
      denyDialPeer: refuse,
      denyInboundEncryptedConnection: refuse,
      denyOutboundEncryptedConnection: refuseAnswer,
      // Private addresses are dialled: there are networks that have no others.
      denyDialMultiaddr: address => leadsElsewhere(address) && !dialled.includes(address.toString()),
      denyInboundRelayReservation: peer => {
        const { reservations } = host.services.relay ?? {}
        return host
          .getConnections(peer)
          .some(({ remoteAddr }) => reservations && isCrowded(reservations, peer, remoteAddr))
      },
    },
    connectionManager: {
      // Who goes when there are too many: places.ts.
      maxConnections: PEERS_MAX + PEERS_PENDING_MAX,
      maxIncomingPendingConnections: PEERS_PENDING_MAX,
      inboundConnectionThreshold: PEERS_PER_HOST_AND_SECOND_MAX,
      inboundUpgradeTimeout: PEER_DIAL_MAX_MS,
      dialTimeout: PEER_DIAL_MAX_MS,
      addressSorter: dialOrder,
      // Connections are kept up by static-peers.ts, with pauses of its own.
      reconnectRetries: 0,
    },
    // See asking-muxer.ts.
    connectionMonitor: { enabled: false },
    metrics: () => watch.metrics,
    peerDiscovery: discoveryOf(parts),
    services: servicesOf(parts),
  })
  writeNewsOnly(host.peerStore, PEERS_MAX)
  boundBook(host.peerStore, {
    strangersMax: STRANGERS_KNOWN_MAX,
    toldMax: PEER_RECORDS_MAX,
    isConnected: id => host.getConnections(id).length > 0,
  })
  host.addEventListener('connection:open', ({ detail }) => {
    const address = ipOf(detail.remoteAddr)
    if (address !== undefined) gate.brought(address)
  })
  places.watch(host)
  if (host.services.relay !== undefined) freePlaces(host.services.relay.reservations, host)
  await host.start()
  return host
}

/** libp2p's order, after what a peer signed: it dials 25 addresses and no more, and anybody may say of a peer that it is at so many. */
function dialOrder(a: Address, b: Address): -1 | 0 | 1 {
  return (
    signedFirst(a, b) ||
    loopbackAddressLast(a.multiaddr, b.multiaddr) ||
    publicAddressesFirst(a.multiaddr, b.multiaddr) ||
    circuitRelayAddressesLast(a.multiaddr, b.multiaddr) ||
    reliableTransportsFirst(a.multiaddr, b.multiaddr)
  )
}
