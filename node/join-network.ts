import { HypercoreLog } from '../log/index.ts'
import { type Network, Peering } from '../network/index.ts'
import type { Clock, Failure, KeyId, Log, MetricsRegistry } from '../protocol/index.ts'
import { Announcements } from './announcements.ts'
import { LearnedProcesses } from './learned-processes.ts'
import { countPeers } from './node-peers.ts'
import { type Following, openFollowing, type OpenFollowingParts } from './open-following.ts'
import { openRecords } from './open-records.ts'
import { type OpenNetworkParts, openNetwork } from './open-network.ts'
import { createPeerService, type PeerServiceParts } from './peer-service.ts'

type Keep = (resource: AsyncDisposable) => void

export interface JoinNetworkParts extends OpenNetworkParts {
  readonly log: Log
  readonly clock: Clock
  readonly metrics: MetricsRegistry
  readonly trouble: (what: string, failure: Failure) => void
}

/** Other nodes, and what is known through them. */
export interface Joined {
  readonly network: Network
  readonly peers: Peering
  readonly announcements: Announcements
  readonly learned: LearnedProcesses
  /** Signs what the node says of itself. */
  readonly seed: Uint8Array
}

/** Becomes one node among others, if it is told how; answers nobody until `takePart`. */
export async function joinNetwork(parts: JoinNetworkParts, keep: Keep): Promise<Joined | undefined> {
  const { keys, log, clock, metrics, trouble } = parts
  const network = await openNetwork(parts)
  if (network === undefined) return undefined
  keep(network)
  countPeers(network, metrics)
  const peers = new Peering(network)
  return {
    network,
    peers,
    seed: keys.seed,
    announcements: new Announcements({ key: keys.key, log, clock, peers, trouble }),
    learned: new LearnedProcesses({ directory: log.directory, peers, clock }),
  }
}

export type TakePartParts = Omit<OpenFollowingParts, 'peers' | 'links' | 'offence'> &
  Omit<PeerServiceParts, 'following' | 'records' | ServingUnits> & {
    readonly units: Pick<PeerServiceParts, ServingUnits>
    /** Where others reach its HTTP face. */
    readonly publicUrl: string | undefined
  }
type ServingUnits = 'scheduler' | 'messenger' | 'service'

/** Answers others, gives them its feeds, follows theirs. Call once the units are open. */
export async function takePart({ network, peers, announcements, seed }: Joined, parts: TakePartParts, keep: Keep): Promise<Following> {
  const { log, clock, units, publicUrl: url, trouble } = parts
  const offence = (peer: KeyId, what: string): void => network.offend(peer, 'bad-proof', what)
  const following = openFollowing({ ...parts, peers, links: network.feeds, offence, announcements })
  keep({ [Symbol.asyncDispose]: async () => following[Symbol.dispose]() })
  const { scheduler, messenger, service } = units
  const records = await openRecords({ network, seed, log, clock, url, trouble })
  keep({ [Symbol.asyncDispose]: async () => records[Symbol.dispose]() })
  network.serve(createPeerService({ ...parts, scheduler, messenger, service, records, following: following.processes }))
  keep({ [Symbol.asyncDispose]: async () => network.stopServing() })
  await network.feeds.serve(log)
  if (log instanceof HypercoreLog) await network.feeds.serveHypercores(stream => log.replicate(stream))
  following.resume().catch(error => trouble('following', error))
  return following
}
