import { autoNAT } from '@libp2p/autonat'
import { bootstrap } from '@libp2p/bootstrap'
import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { identify, type Identify } from '@libp2p/identify'
import type { GossipSub } from '@libp2p/gossipsub'
import { kadDHT, type KadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { ping, type Ping } from '@libp2p/ping'
import type { Libp2pOptions } from 'libp2p'
import {
  PEER_DIAL_MAX_MS,
  PEER_PROTOCOL_STREAMS_MAX,
  PROVIDERS_MAX,
  RELAY_CONNECTION_MAX_BYTES,
  RELAY_CONNECTION_MAX_MS,
  RELAY_RESERVATIONS_MAX,
} from '../../protocol/index.ts'
import { boundDialBacks } from './dial-backs.ts'
import { boundHolePunching } from './hole-punching.ts'
import { boundMdns } from './bounded-mdns.ts'
import { boundProviders } from './bounded-providers.ts'
import { gossipService } from '../gossip.ts'

export const DHT_PROTOCOL = '/atoll/kad/1.0.0'
/** Where its records stand among what libp2p keeps. */
const TABLE = '/dht'

export interface HostServices extends Record<string, unknown> {
  readonly identify: Identify
  readonly ping: Ping
  readonly gossip: GossipSub
  /** Only where it is asked for. */
  readonly dht?: KadDHT
  /** Only where it is asked for. */
  readonly relay?: CircuitRelayService
}

export interface DiscoveryParts {
  /** Addresses of nodes that are asked for others. */
  readonly bootstrap: readonly string[]
  /** Finds nodes of the same local network, and is found by them. */
  readonly mdns: boolean
  /** Takes part in the distributed table of who is where. */
  readonly dht: boolean
  /** Carries the connections of nodes that cannot be reached. */
  readonly relay: boolean
  /** Whether anybody outside this machine is to reach the node. */
  readonly isPublic: boolean
  /** Whether anybody is. */
  readonly listens: boolean
}

/** How other nodes are found. */
export function discoveryOf({
  bootstrap: list,
  mdns: isLocal,
}: DiscoveryParts): NonNullable<Libp2pOptions['peerDiscovery']> {
  return [
    ...(list.length > 0 ? [bootstrap({ list: [...list] })] : []),
    ...(isLocal ? [boundMdns(mdns({ serviceTag: 'atoll' }))] : []),
  ]
}

/** What runs beside the links of nodes. */
export function servicesOf(parts: DiscoveryParts): NonNullable<Libp2pOptions<HostServices>['services']> {
  const services = {
    identify: identify(),
    ping: ping({ maxInboundStreams: 2, maxOutboundStreams: 2 }),
    gossip: gossipService(),
    ...(parts.isPublic && {
      autonat: boundDialBacks(autoNAT({ protocolPrefix: 'atoll', timeout: PEER_DIAL_MAX_MS })),
      dcutr: boundHolePunching(dcutr()),
    }),
    ...(parts.dht && { dht: dhtService(parts) }),
    ...(parts.relay && { relay: relayService() }),
  }
  return services as unknown as NonNullable<Libp2pOptions<HostServices>['services']>
}

/** Only a hint, whatever it says: whoever uses it checks what it leads to. */
function dhtService({ listens }: DiscoveryParts): ReturnType<typeof kadDHT> {
  const dht = kadDHT({
    protocol: DHT_PROTOCOL,
    datastorePrefix: TABLE,
    // The default mapper throws private addresses away; there are networks that have no others.
    peerInfoMapper: passthroughMapper,
    clientMode: !listens,
    maxInboundStreams: PEER_PROTOCOL_STREAMS_MAX,
    maxOutboundStreams: PEER_PROTOCOL_STREAMS_MAX,
    // Values are not kept: what is signed and versioned goes around as gossip, where it is checked first.
    validators: {},
    allowQueryWithZeroPeers: true,
  })
  return components => {
    boundProviders(components.datastore, { table: TABLE, own: components.peerId.toString(), max: PROVIDERS_MAX })
    return dht(components)
  }
}

function relayService(): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    maxInboundHopStreams: PEER_PROTOCOL_STREAMS_MAX,
    maxOutboundHopStreams: PEER_PROTOCOL_STREAMS_MAX,
    reservations: {
      maxReservations: RELAY_RESERVATIONS_MAX,
      defaultDataLimit: BigInt(RELAY_CONNECTION_MAX_BYTES),
      defaultDurationLimit: RELAY_CONNECTION_MAX_MS,
    },
  })
}
