import { HypercoreLog } from '../../log/index.ts'
import { type Network, Peering } from '../../network/index.ts'
import {
  type Clock,
  type Failure,
  type KeyId,
  type Log,
  type MetricsRegistry,
  PEER_ROLES,
  type PrefixWish,
  type Scheduler,
} from '../../protocol/index.ts'
import { Announcements } from '../following/announcements.ts'
import { CanisterCreations } from '../learning/canister-creations.ts'
import type { Handovers } from '../handovers/handovers.ts'
import { LearnedProcesses } from '../learning/learned-processes.ts'
import { Meetings } from '../following/meetings.ts'
import { countPeers, keptPeers } from '../peers/node-peers.ts'
import { type Following, openFollowing, type OpenFollowingParts } from './open-following.ts'
import { openRecords } from './open-records.ts'
import { type OpenNetworkParts, openNetwork } from './open-network.ts'
import type { UnitRoles } from '../unit-roles.ts'
import type { PeerRecords } from '../peers/peer-records.ts'
import { createPeerService, type PeerServiceParts } from '../peers/peer-service.ts'
import { Seeders } from '../following/seeders.ts'

/** So long a client waits for a node that might have made its canister. */
const MADE_ASKED_MAX_MS = 5_000

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
  readonly creations: CanisterCreations
  readonly meetings: Meetings
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
  const meetings = new Meetings(network)
  keep({ [Symbol.asyncDispose]: async () => meetings[Symbol.dispose]() })
  const learned = new LearnedProcesses({ directory: log.directory, peers, clock })
  return {
    network,
    peers,
    meetings,
    seed: keys.seed,
    announcements: new Announcements({ key: keys.key, log, clock, peers, trouble }),
    learned,
    creations: new CanisterCreations({
      key: keys.key,
      peers: () => keptPeers(network),
      ask: (peer, id) => network.call(peer, 'made', id, { timeoutMs: MADE_ASKED_MAX_MS }),
      learn: (peer, process) => learned.processOf(peer, process),
      spawnEnvelope: process => log.directory.spawnEnvelope(process),
    }),
  }
}

export type TakePartParts = Omit<
  OpenFollowingParts,
  'seeders' | 'meetings' | 'connected' | 'peers' | 'links' | 'offence' | 'computes'
> &
  Omit<PeerServiceParts, 'following' | 'records' | 'creations' | ServingUnits> & {
    readonly handovers: Handovers
    readonly units: Pick<PeerServiceParts, 'messenger' | 'service'> & {
      readonly scheduler: Scheduler & PeerServiceParts['scheduler']
    }
    readonly roles: UnitRoles
    /** Where others reach its HTTP face. */
    readonly publicUrl: string | undefined
  }
type ServingUnits = 'scheduler' | 'messenger' | 'service'

/** Answers others, gives them its feeds, follows theirs. Call once the units are open. */
export async function takePart(
  { network, peers, announcements, learned, creations, meetings, seed }: Joined,
  parts: TakePartParts,
  keep: Keep,
): Promise<{ readonly following: Following; readonly records: PeerRecords }> {
  const { log, clock, units, roles, publicUrl: url, trouble } = parts
  const offence = (peer: KeyId, what: string): void => network.offend(peer, 'bad-proof', what)
  const prefix = (node: KeyId, wish: PrefixWish) => network.call(node, 'prefix', wish)
  const seeders = new Seeders({
    key: network.key,
    clock,
    log,
    providers: network.providers,
    linked: () => network.peers,
    prefix,
  })
  const following = openFollowing({
    ...parts,
    seeders,
    meetings,
    computes: roles.runs('compute'),
    connected: () => network.peers,
    peers,
    links: network.feeds,
    offence,
    announcements,
    learned,
  })
  keep({ [Symbol.asyncDispose]: async () => following[Symbol.dispose]() })
  const { messenger, service } = units
  const scheduling = roles.scheduler(units.scheduler)
  const scheduler: PeerServiceParts['scheduler'] = {
    schedule: requests => scheduling.schedule(requests),
    coSign: async (...asked) => {
      roles.expect('scheduler')
      return units.scheduler.coSign(...asked)
    },
  }
  const records = await openRecords({
    network,
    seed,
    log,
    clock,
    url,
    roles: PEER_ROLES.filter(role => roles.runs(role)),
    trouble,
  })
  keep({ [Symbol.asyncDispose]: async () => records[Symbol.dispose]() })
  network.serve(
    createPeerService({ ...parts, scheduler, messenger, service, records, creations, following: following.processes }),
  )
  keep({ [Symbol.asyncDispose]: async () => network.stopServing() })
  await network.feeds.serve(log)
  if (log instanceof HypercoreLog) await network.feeds.serveHypercores(stream => log.replicate(stream))
  parts.handovers.moved = process => following.moved(process)
  following.resume().catch(error => trouble('following', error))
  return { following, records }
}
