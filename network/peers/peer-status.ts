import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { Failure, type KeyId } from '../../protocol/index.ts'
import type { BlockList } from './block-list.ts'
import type { Links } from '../links/links.ts'
import type { Host } from '../host/open-host.ts'
import { keyOfPeer, peerIdOf, withoutPeer } from './peer-name.ts'
import type { Standing } from './standing.ts'
import type { StaticPeers } from './static-peers.ts'

/** A peer as this node sees it. */
export interface PeerStatus {
  /** Nothing for an address that has not answered yet. */
  readonly key: KeyId | undefined
  readonly peerId: string | undefined
  readonly addresses: readonly string[]
  readonly state: 'linked' | 'connected' | 'dialling' | 'banned' | 'blocked'
  /** Who connected to whom. */
  readonly direction: 'inbound' | 'outbound' | undefined
  readonly connectedMs: number | undefined
  /** A connection to it is kept. */
  readonly isKept: boolean
  /** What its offences weigh, up to 100. */
  readonly offences: number
}

export interface StatusParts {
  readonly host: Host
  readonly links: Links
  readonly statics: StaticPeers
  readonly standing: Standing
  readonly blocked: BlockList
}

/** Every peer that is connected, dialled, banned or blocked, by key. */
export function peerStatuses(parts: StatusParts): readonly PeerStatus[] {
  const { host, statics, standing, blocked } = parts
  const connected = host.getPeers().flatMap(peer => keyOfPeer(peer) ?? [])
  const keys = new Set([
    ...connected,
    ...statics.all.flatMap(({ key }) => key ?? []),
    ...standing.banned,
    ...blocked.keys,
  ])
  const waiting = statics.all.filter(({ key }) => key === undefined)
  return [
    ...[...keys].sort().map(key => statusOf(parts, key)),
    ...waiting.map(
      ({ address }): PeerStatus => ({
        key: undefined,
        peerId: undefined,
        addresses: [address],
        state: 'dialling',
        direction: undefined,
        connectedMs: undefined,
        isKept: true,
        offences: 0,
      }),
    ),
  ]
}

function statusOf({ host, links, statics, standing, blocked }: StatusParts, key: KeyId): PeerStatus {
  const peer = peerIdOf(key)
  const connections = host.getConnections(peer)
  const kept = statics.all.filter(one => one.key === key)
  const state = (): PeerStatus['state'] => {
    if (blocked.has(key)) return 'blocked'
    if (standing.isBanned(key)) return 'banned'
    if (links.at(key) !== undefined) return 'linked'
    return connections.length > 0 ? 'connected' : 'dialling'
  }
  return {
    key,
    peerId: peer.toString(),
    addresses: [
      ...new Set([
        ...connections.map(({ remoteAddr }) => withoutPeer(remoteAddr.toString())),
        ...kept.map(({ address }) => withoutPeer(address)),
      ]),
    ],
    state: state(),
    direction: connections[0]?.direction,
    connectedMs: connections[0]?.timeline.open,
    isKept: kept.length > 0,
    offences: Math.round(standing.weight(key)),
  }
}

/** @throws {Failure} `bad-config` if it is no address of a peer */
export function parsePeerAddress(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (cause) {
    throw new Failure(
      'bad-config',
      { address: text },
      { cause, note: 'expected an address such as /ip4/10.0.0.7/tcp/7334' },
    )
  }
}

/** Whether only this machine reaches an address. */
export function isLoopback(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/|dns4?\/localhost\/)/.test(address)
}
