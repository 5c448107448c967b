import type { NodePeers } from '../../gateway/index.ts'
import { type Network, parsePeerName, RemoteOperations } from '../../network/index.ts'
import type { NamingParts } from '../operating/unit-naming.ts'
import type { KeyId, MetricsRegistry } from '../../protocol/index.ts'

/** Other nodes as the operations for admins see them. */
export function nodePeers({ control }: Network): NodePeers {
  return {
    list: () =>
      control.list().map(({ key, peerId, direction, connectedMs, isKept, ...peer }) => ({
        ...peer,
        kept: isKept,
        ...(key !== undefined && { key }),
        ...(peerId !== undefined && { peerId }),
        ...(direction !== undefined && { direction }),
        ...(connectedMs !== undefined && { connectedMs }),
      })),
    add: address => control.add(address),
    ping: (peer, options) => control.ping(parsePeerName(peer), { signal: options.signal }),
    block: peer => control.block(parsePeerName(peer)),
    unblock: peer => control.unblock(parsePeerName(peer)),
  }
}

/** What a node counts of its peers. */
export function countPeers(network: Network, metrics: MetricsRegistry): void {
  metrics.gaugeOf('atoll_peer_connections', 'Connections to other nodes', () => network.counts.connections)
  metrics.gaugeOf('atoll_peer_links', 'Nodes that can be asked', () => network.counts.links)
  const calls = 'Calls between this node and others that are under way'
  metrics.gaugeOf('atoll_peer_calls', calls, () => network.counts.incoming, { direction: 'in' })
  metrics.gaugeOf('atoll_peer_calls', calls, () => network.counts.outgoing, { direction: 'out' })
  const bytes = 'Bytes that links to other nodes have carried'
  metrics.gaugeOf('atoll_peer_bytes_total', bytes, () => network.traffic.received, {
    direction: 'in',
  })
  metrics.gaugeOf('atoll_peer_bytes_total', bytes, () => network.traffic.sent, { direction: 'out' })
  metrics.gaugeOf('atoll_peer_cuts_total', 'Nodes that were cut for what they did', () => network.counts.cuts)
}

/** Nodes in reach that the operator named. */
export function keptPeers({ control, peers }: Network): KeyId[] {
  const named = new Set(control.list().flatMap(({ isKept, key }) => (isKept && key !== undefined ? [key] : [])))
  return peers.filter(peer => named.has(peer))
}

/** Nodes in reach, and what they say of themselves. */
export function inReach(network: Network): Pick<NamingParts, 'peers' | 'ask'> {
  const operations = new RemoteOperations(network)
  return {
    peers: () => network.peers,
    ask: (peer, options) => operations.request(peer, 'node', {}, options),
  }
}
