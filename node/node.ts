import { join } from 'node:path'
import type { ComputeUnit } from '../compute-unit/index.ts'
import { createOperations, type Gateway, Metrics } from '../gateway/index.ts'
import { HypercoreLog } from '../log/index.ts'
import type { MessengerUnit } from '../messenger-unit/index.ts'
import type { Network } from '../network/index.ts'
import { RUNTIMES } from '../processes/index.ts'
import {
  type Clock,
  closeAll,
  type Failure,
  installCrypto,
  type KeyId,
  type Log,
  type Operations,
  type ProcessId,
  type Scheduler,
} from '../protocol/index.ts'
import type { SchedulerUnit } from '../scheduler-unit/index.ts'
import { createAdmin } from './admin.ts'
import { type EffectOptions, openEffects } from './effects.ts'
import { EvaluationHub } from './evaluation-hub.ts'
import { openKeystore, privateFolder } from './keystore.ts'
import { nodeFeeds } from './node-feeds.ts'
import { createLogger, type NodeLogger } from './logger.ts'
import { MemoryAtRest } from './memory-at-rest.ts'
import { nativeCrypto } from './native-crypto.ts'
import { HandoverDesk } from './handover-desk.ts'
import { handoverPeers, openHandovers } from './open-handovers.ts'
import { evidencePeers, openEvidence } from './open-evidence.ts'
import { openGateway } from './open-gateway.ts'
import { isAmongOthers, knowsPeers, type NetworkOptions } from './network-options.ts'
import { openUnits, type UnitObserver } from './open-units.ts'
import { returnMemory } from './return-memory.ts'
import { systemClock } from './system-clock.ts'
import { schedulerAt } from './scheduler-at.ts'
import { tellWhoIsBehind } from './tell-who-is-behind.ts'
import { createUnitMetrics } from './unit-metrics.ts'
import { type UnitName, UnitRoles } from './unit-roles.ts'
import { NOBODY_IN_REACH, unitNaming } from './unit-naming.ts'
import { VERSION } from './version.ts'
import { withOverrides } from './with-overrides.ts'

export interface NodeOptions extends EffectOptions, NetworkOptions {
  /** Folder of feeds, state and keys; made if it is not there. */
  readonly data: string
  /** Port of the HTTP face; 0 takes any, undefined opens none. */
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly publicUrl?: string | undefined
  /** File with the seed of the root key that the IC's clients trust; the node's own key is the root, if not given. */
  readonly icRootSeed?: string | undefined
  /** What it runs; all, if not given. */
  readonly units?: readonly UnitName[] | undefined
  readonly hosts?: number | undefined
  readonly residentBytes?: number | undefined
  readonly signerRate?: number | undefined
  /** Part of the frames evaluated elsewhere that it looks at, from 0 to 1; none, if not given. */
  readonly spotChecks?: number | undefined
  /** Programs may ask for `Command-Engine: wasmer`: compute hosts may then start workers. */
  readonly wasmer?: boolean | undefined
  /** The data folder is a copy or was restored, and the operator says that no other copy was written to since. */
  readonly acceptRestored?: boolean | undefined
  readonly logger?: NodeLogger | undefined
  readonly clock?: Clock | undefined
  /** Opens the log; the Hypercores below `data`, unless a test brings its own. */
  readonly openLog?: ((keys: { seed: Uint8Array }) => Promise<Log>) | undefined
  /** Long work, such as replaying a feed. */
  readonly progress?:
    | ((process: ProcessId, evaluated: number, scheduled: number) => void)
    | undefined
  /** Somebody with the admin token asked the node to end. */
  readonly onShutdown?: (() => void) | undefined
}

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
  const logger = options.logger ?? createLogger('warn')
  const clock = options.clock ?? systemClock
  await privateFolder(options.data)
  const keys = await openKeystore(join(options.data, 'keys'))
  const effects = await openEffects(keys, options)
  const log = await openLog(options, keys.seed, logger)
  keep(log)
  const metrics = new Metrics()
  const trouble = (what: string, failure: Failure): void => logger.warn({ what, code: failure.code, ...failure.details }, failure.message)
  const others = isAmongOthers(options) ? await import('./among-others.ts') : undefined
  const joined = await others?.joinNetwork({ keys, logger, options, log, clock, metrics, trouble }, keep)
  const { network, peers, learned, announcements } = joined ?? {}
  const { hosts, residentBytes, signerRate, spotChecks, wasmer, progress } = options
  const unitMetrics = createUnitMetrics(metrics)
  const roles = new UnitRoles(keys.key, options.units)
  const hub = new EvaluationHub(roles.runs('compute') ? keys.key : undefined)
  const observer: UnitObserver = {
    ...hub.observer,
    committed: frames => {
      for (const { process, firstSlot } of frames) if (firstSlot === 0) announcements?.tell(process)
    },
  }
  const recoveredBlocks = log.recovered.length
  const describe = async (id: ProcessId) => (learned === undefined ? log.directory.process(id) : learned.process(id))
  const handovers = openHandovers({ key: keys.key, log, clock, trouble }, joined)
  const evidence = await openEvidence({
    epochs: (process, here, there, peer) => handovers.met(process, here, there, peer),
    ...keys,
    log,
    clock,
    describe,
    peers: network && evidencePeers(network),
    trouble,
  })
  keep({ [Symbol.asyncDispose]: async () => evidence[Symbol.dispose]() })
  const told = peers && tellWhoIsBehind(peers, { handovers, describe })
  const unitParts = {
    handovers, learned,
    keys, log, clock, logger, metrics: unitMetrics, effects, hosts, residentBytes, signerRate, spotChecks, wasmer, progress, observer, evidence: evidence.book, watch: evidence.heads,
    peers: told && (evidence.complaints?.watch(told) ?? told),
    computes: roles.runs('compute'),
    connected: () => network?.peers ?? [],
    carry: (scheduler: Scheduler) => roles.scheduler(scheduler),
  }
  const units = await openUnits(unitParts, keep)
  const desk = new HandoverDesk({ ...unitParts, key: keys.key, describe, scheduler: units.scheduler, peers: handoverPeers(joined) })
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
  const unitsToName = unitNaming({ key: keys.key, units: roles.names, ...(others && network ? others.inReach(network) : NOBODY_IN_REACH) })
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
  if (others && joined) part = await others.takePart(joined, { publicUrl: options.publicUrl, key: keys.key, log, clock, units, roles, watch: evidence.heads, trouble, operations: forPeers, evidence, handovers, desk }, keep)
  const node = { ...units, key: keys.key, log, roles, network, operations }
  if (options.port === undefined) return make({ ...node, gateway: undefined })
  const gateway = await openGateway({ ...faces, logger, metrics, keys, operations, options, port: options.port, hub, learned, creations: joined?.creations, unitsToName, schedulerAt: key => schedulerAt(key, network, part?.records) }, keep)
  keep(gateway)
  return make({ ...node, gateway })
}

/** What clients can ask for, and what peers can: a peer wants to know what this node runs, and if this asked the peer in turn, both would wait. */
function operationsOf(parts: Parameters<typeof createOperations>[0]): { readonly operations: Operations; readonly forPeers: Operations } {
  const operations = createOperations(parts)
  return { operations, forPeers: withOverrides(operations, { node: createOperations({ ...parts, unitsToName: undefined }).node }) }
}

function infoOf(node: { readonly key: KeyId; readonly units: readonly UnitName[]; readonly startedMs: number }, network: Network | undefined) {
  const formats = RUNTIMES.flatMap(runtime => runtime.formats)
  return { ...node, version: VERSION, formats, peerId: network?.peerId, addresses: network?.addresses, linkedPeers: network?.peers.length }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

async function openLog(options: NodeOptions, seed: Uint8Array, logger: NodeLogger): Promise<Log> {
  if (options.openLog !== undefined) return options.openLog({ seed })
  const { data: directory, acceptRestored } = options
  const onProgress = ({
    phase,
    done,
    total,
  }: {
    phase: string
    done: number
    total: number
  }): void => logger.info({ phase, done, total }, 'opening the data folder')
  const asksOthers = knowsPeers(options)
  const log = await HypercoreLog.open({ directory, keySeed: seed, acceptRestored, asksOthers, onProgress })
  if (log.restored) logger.warn({ data: directory }, 'the data folder was restored: feeds are taken back from peers before anything is written to them')
  for (const { feed, failure } of log.frozen) {
    logger.error({ process: feed.process, code: failure.code, ...failure.details }, failure.message)
  }
  return log
}
