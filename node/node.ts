import type { ComputeUnit } from '../compute-unit/index.ts'
import { createOperations, type Gateway } from '../gateway/index.ts'
import type { MessengerUnit } from '../messenger-unit/index.ts'
import type { Network } from '../network/index.ts'
import { RUNTIMES } from '../processes/index.ts'
import { closeAll, installCrypto, type KeyId, type Log, type Operations, type Scheduler } from '../protocol/index.ts'
import type { SchedulerUnit } from '../scheduler-unit/index.ts'
import { createAdmin } from './operating/admin.ts'
import { EvaluationHub } from './operating/evaluation-hub.ts'
import { type Foundation, layFoundation } from './foundation.ts'
import { HandoverDesk } from './handovers/handover-desk.ts'
import { MemoryAtRest } from './memory/memory-at-rest.ts'
import { nativeCrypto } from './crypto/native-crypto.ts'
import { nodeFeeds } from './following/node-feeds.ts'
import type { NodeOptions } from './node-options.ts'
import { openGateway } from './opening/open-gateway.ts'
import { handoverPeers } from './opening/open-handovers.ts'
import { type Notaries, openNotaries } from './opening/open-notaries.ts'
import { openUnits, type UnitObserver } from './opening/open-units.ts'
import { returnMemory } from './memory/return-memory.ts'
import { schedulerAt } from './peers/scheduler-at.ts'
import { tellWhoIsBehind } from './handovers/tell-who-is-behind.ts'
import { createUnitMetrics } from './operating/unit-metrics.ts'
import { NOBODY_IN_REACH, unitNaming } from './operating/unit-naming.ts'
import { type UnitName, UnitRoles } from './unit-roles.ts'
import { VERSION } from './version.ts'
import { withOverrides } from './with-overrides.ts'

/** Opens a node in this program: messenger, scheduler and compute unit over one log. */
export function createNode(options: NodeOptions): Promise<AtollNode> {
  return AtollNode.open(options)
}

/** A running set of units over one log. How they are wired: open-units.ts. */
export class AtollNode implements AsyncDisposable {
  readonly key: KeyId
  readonly log: Log
  readonly scheduler: SchedulerUnit
  readonly computer: ComputeUnit
  readonly messenger: MessengerUnit
  /** The units it runs. */
  readonly roles: UnitRoles
  /** What a client can ask for, without a gateway between. */
  readonly operations: Operations
  readonly gateway: Gateway | undefined
  /** This node among others, if it knows any. */
  readonly network: Network | undefined
  readonly #opened: readonly AsyncDisposable[]
  #closed: Promise<void> | undefined

  private constructor(parts: NodeParts, opened: readonly AsyncDisposable[]) {
    this.key = parts.key
    this.log = parts.log
    this.scheduler = parts.scheduler
    this.computer = parts.computer
    this.messenger = parts.messenger
    this.roles = parts.roles
    this.operations = parts.operations
    this.gateway = parts.gateway
    this.network = parts.network
    this.#opened = opened
  }

  /** Opens everything or nothing: a node in hand is a node that is ready. */
  static async open(options: NodeOptions): Promise<AtollNode> {
    installCrypto(nativeCrypto)
    const opened: AsyncDisposable[] = []
    try {
      return await openNode(options, opened, parts => new AtollNode(parts, opened))
    } catch (error) {
      await closeAll(opened)
      throw error
    }
  }

  /** Where clients on this machine reach it; empty without an HTTP face. */
  get url(): string {
    return this.gateway?.url ?? ''
  }

  /** Stops taking messages, writes what is on its way, closes newest first. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= closeAll(this.#opened)
    return this.#closed
  }
}

type NodeParts = Pick<
  AtollNode,
  'key' | 'log' | 'scheduler' | 'computer' | 'messenger' | 'roles' | 'operations' | 'gateway' | 'network'
>

async function openNode(
  options: NodeOptions,
  opened: AsyncDisposable[],
  make: (parts: NodeParts) => AtollNode,
): Promise<AtollNode> {
  const keep = (resource: AsyncDisposable): void => {
    opened.push(resource)
  }
  const base = await layFoundation(options, keep)
  const { clock, keys, log, others, joined, evidence } = base
  const network = joined?.network
  const roles = new UnitRoles(keys.key, options.units)
  const hub = new EvaluationHub(roles.runs('compute') ? keys.key : undefined)
  const notaries = openNotaries(keep)
  const { units, desk } = await openUnitsOn(base, { options, roles, hub, notaries }, keep)
  const recoveredBlocks = log.recovered.length
  const rest = new MemoryAtRest({ clock, cpuMs, returnMemory })
  keep({ [Symbol.asyncDispose]: async () => rest[Symbol.dispose]() })
  const startedMs = clock.now()
  const faces = {
    messenger: roles.messenger(units.messenger),
    scheduler: roles.scheduler(units.scheduler),
    computer: units.agreed,
    log: units.reading,
    clock,
    evidence: evidence.book,
  }
  const unitsToName = unitNaming({
    key: keys.key,
    units: roles.names,
    ...(others && network ? others.inReach(network) : NOBODY_IN_REACH),
  })
  let part: Awaited<ReturnType<NonNullable<typeof others>['takePart']>> | undefined
  const { operations, forPeers } = operationsOf({
    ...faces,
    nodeInfo: () => infoOf({ key: keys.key, units: roles.names, startedMs }, network),
    unitsToName,
    admin: createAdmin({ recoveredBlocks, computer: units.computer, log, options }),
    peers: network && others?.nodePeers(network),
    feeds: () => part && nodeFeeds(part.following.processes, log),
    handovers: () => desk,
  })
  if (others && joined)
    part = await others.takePart(
      joined,
      {
        ...base,
        publicUrl: options.publicUrl,
        key: keys.key,
        units,
        roles,
        watch: evidence.heads,
        operations: forPeers,
        desk,
      },
      keep,
    )
  const node = { ...units, key: keys.key, log, roles, network, operations }
  if (options.port === undefined) return make({ ...node, gateway: undefined })
  const gateway = await openGateway(
    {
      ...base,
      ...faces,
      atHand: log,
      operations,
      options,
      port: options.port,
      hub,
      notary: notaries.admission,
      creations: joined?.creations,
      unitsToName,
      schedulerAt: key => schedulerAt(key, network, part?.records),
    },
    keep,
  )
  keep(gateway)
  return make({ ...node, gateway })
}

/** The units that this node runs, and who hands processes over to others. */
async function openUnitsOn(
  base: Foundation,
  {
    options,
    roles,
    hub,
    notaries,
  }: {
    readonly options: NodeOptions
    readonly roles: UnitRoles
    readonly hub: EvaluationHub
    readonly notaries: Notaries
  },
  keep: (resource: AsyncDisposable) => void,
) {
  const { keys, metrics, joined, evidence } = base
  const { network, peers, announcements, meetings } = joined ?? {}
  const { hosts, residentBytes, signerRate, spotChecks, wasmer, progress } = options
  const observer: UnitObserver = {
    ...hub.observer,
    committed: frames => {
      for (const { process, firstSlot } of frames) if (firstSlot === 0) announcements?.tell(process)
    },
  }
  const told = peers && tellWhoIsBehind(peers, base)
  const parts = {
    ...base,
    ...{ hosts, residentBytes, signerRate, spotChecks, wasmer, progress, observer, notaries },
    metrics: createUnitMetrics(metrics),
    evidence: evidence.book,
    watch: evidence.heads,
    peers: told && (evidence.complaints?.watch(told) ?? told),
    computes: roles.runs('compute'),
    connected: () => network?.peers ?? [],
    meetings,
    carry: (scheduler: Scheduler) => roles.scheduler(scheduler),
  }
  const units = await openUnits(parts, keep)
  const { scheduler } = units
  return { units, desk: new HandoverDesk({ ...parts, key: keys.key, scheduler, peers: handoverPeers(joined) }) }
}

/** What clients can ask for, and what peers can: a peer wants to know what this node runs, and if this asked the peer in turn, both would wait. */
function operationsOf(parts: Parameters<typeof createOperations>[0]): {
  readonly operations: Operations
  readonly forPeers: Operations
} {
  const operations = createOperations(parts)
  return {
    operations,
    forPeers: withOverrides(operations, { node: createOperations({ ...parts, unitsToName: undefined }).node }),
  }
}

function infoOf(
  node: { readonly key: KeyId; readonly units: readonly UnitName[]; readonly startedMs: number },
  network: Network | undefined,
) {
  const formats = RUNTIMES.flatMap(runtime => runtime.formats)
  return {
    ...node,
    version: VERSION,
    formats,
    peerId: network?.peerId,
    addresses: network?.addresses,
    linkedPeers: network?.peers.length,
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
