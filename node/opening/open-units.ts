import type { AgreedComputer, UnitService } from '../../agreement/index.ts'
import {
  childProcessHosts,
  ComputeUnit,
  type ComputeUnitParts,
  type EvaluatedFrame,
  type OpenHost,
} from '../../compute-unit/index.ts'
import { type EffectOffer, MessengerUnit } from '../../messenger-unit/index.ts'
import { runtimeFor } from '../../processes/index.ts'
import {
  asKeyId,
  asProcessId,
  type Clock,
  type CoSigners,
  type Evidence,
  type HeadWatch,
  Failure,
  type KeyId,
  type Log,
  type Notary,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type Scheduler,
} from '../../protocol/index.ts'
import { type CommittedFrame, SchedulerUnit, type SchedulerUnitParts } from '../../scheduler-unit/index.ts'
import { FeedPull } from '../following/feed-pull.ts'
import { knowEmptyCanister, withCanisterEffects } from '../learning/find-canister.ts'
import type { Handovers } from '../handovers/handovers.ts'
import { hostProgram, MAY_START_WORKERS } from '../programs/host-program.ts'
import type { NodeKeys } from '../keystore.ts'
import type { LearnedProcesses } from '../learning/learned-processes.ts'
import { type Learning, learning } from '../learning/learning.ts'
import type { NodeLogger } from '../logger.ts'
import type { Meetings } from '../following/meetings.ts'
import { movingUnits } from '../handovers/moving-units.ts'
import { type OpenAgreement, openAgreement } from './open-agreement.ts'
import { withOverrides } from '../with-overrides.ts'
import { reachingLog } from '../following/reaching-log.ts'
import { RestoredFeeds } from '../following/restored-feeds.ts'
import { createEffectLog } from '../operating/effect-log.ts'
import type { UnitMetrics } from '../operating/unit-metrics.ts'

export interface UnitsParts {
  readonly keys: NodeKeys
  readonly log: Log
  readonly clock: Clock
  readonly logger: NodeLogger
  readonly metrics: UnitMetrics
  readonly effects: EffectOffer
  /** Who checks what canisters may have signed: for the scheduler, and for the compute unit, which waits behind nobody else. */
  readonly notaries?: Readonly<Record<'admission' | 'evaluation', Notary>> | undefined
  readonly hosts?: number | undefined
  readonly residentBytes?: number | undefined
  readonly signerRate?: number | undefined
  /** How much the units hold at a time: see `ComputeUnitParts` and `SchedulerUnitParts`. */
  readonly bounds?: Pick<ComputeUnitParts, 'recentFramesMax'> &
    Pick<SchedulerUnitParts, 'recentReceiptsMax' | 'flightsMax'>
  /** Part of the frames evaluated elsewhere that are looked at here, from 0 to 1; none, if not given. */
  readonly spotChecks?: number | undefined
  readonly wasmer?: boolean | undefined
  /** How compute hosts are opened; as child processes, if not given. */
  readonly openHost?: OpenHost | undefined
  /** Other nodes. */
  readonly peers?: (Peers & CoSigners) | undefined
  /** Whether this node evaluates; it does, if not given. */
  readonly computes?: boolean | undefined
  /** Nodes that are connected now. */
  readonly connected?: (() => readonly KeyId[]) | undefined
  /** Tells when nodes are linked again. */
  readonly meetings?: Pick<Meetings, 'await'> | undefined
  /** Takes what shows that a compute unit is at fault. */
  readonly evidence?: Evidence | undefined
  /** Told when somebody gave another feed than is held. */
  readonly watch?: HeadWatch | undefined
  /** The node's own scheduler as the messenger reaches it; itself, if not given. */
  readonly carry?: ((scheduler: Scheduler) => Scheduler) | undefined
  /** Processes that live elsewhere, as the whole node knows them. */
  readonly learned?: LearnedProcesses | undefined
  /** Who schedules what was handed over. */
  readonly handovers?: Pick<Handovers, 'begin' | 'confirm' | 'look'> | undefined
  /** From [0, 1): spreads those who try again. */
  readonly random?: (() => number) | undefined
  /** A frame became durable, or was evaluated. */
  readonly observer?: UnitObserver | undefined
  readonly progress?: ((process: ProcessId, evaluated: number, scheduled: number) => void) | undefined
}

/** Sees what the units do, once it is done. */
export interface UnitObserver {
  committed?(frames: readonly CommittedFrame[]): void
  evaluated?(frame: EvaluatedFrame): void
  trouble?(what: string, failure: Failure): void
}

export interface Units {
  readonly scheduler: SchedulerUnit
  /** This node's own compute unit. */
  readonly computer: ComputeUnit
  readonly messenger: MessengerUnit
  /** What processes gave, by the word of as many compute units as they ask for, wherever those are. */
  readonly agreed: AgreedComputer
  /** What this node's units answer to other nodes. */
  readonly service: UnitService
  /** The log, for those who read: it reaches for the feeds of processes that live elsewhere. */
  readonly reading: Log
}

/**
 * Opens the units and draws the arrows between them; they know each other only through these:
 * scheduler ─committed frame→ compute unit ─certificates→ agreement ─final results→ messenger ─pushes→ scheduler.
 * `keep` is told of each as it opens, in an order such that closing newest first lets what is under way come to rest.
 */
export async function openUnits(parts: UnitsParts, keep: (unit: AsyncDisposable) => void): Promise<Units> {
  const { keys, log, peers } = parts
  await knowEmptyCanister(log)
  const units: Wiring['units'] = {}
  const restored = new RestoredFeeds({
    ...parts,
    key: keys.key,
    peers,
    connected: parts.connected ?? (() => []),
    repaired: frames => handOver(frames, units, keys.key),
  })
  const wiring: Wiring = { ...learning(parts), units, restored, trouble: troubleOf(parts) }
  const within = peers === undefined ? parts : { ...parts, log: withModules(log, wiring) }
  const computer = await openComputer(within, wiring)
  wiring.units.computer = computer
  keep(computer)

  const agreeing = openAgreement({
    ...parts,
    key: computeKey(parts),
    unit: computer,
    peers: peers?.units,
    describe: wiring.describe,
    final: (process, certificate, sending) => wiring.units.messenger?.evaluated(process, certificate, sending),
    scheduler: () => wiring.units.scheduler,
    spotChecked: outcome => parts.metrics.spotChecked(outcome),
    random: parts.random ?? Math.random,
    trouble: (process, failure) => wiring.trouble(`process ${process}`, failure),
  })
  wiring.agreeing = agreeing
  keep(agreeing)

  const scheduler = await openScheduler(within, wiring, computer)
  wiring.units.scheduler = scheduler
  keep(scheduler)

  const { agreed, service } = agreeing
  const messenger = new MessengerUnit({
    ...parts,
    scheduler: parts.carry?.(scheduler) ?? scheduler,
    computer: agreed,
    describe: wiring.describe,
    learnModule: wiring.learnModule,
    sendsFor: process => isEvaluatedHere(process, peers === undefined ? undefined : computeKey(parts)),
    moved: process => parts.handovers?.look(process) ?? Promise.resolve(false),
    effects: withCanisterEffects(parts.effects, wiring),
    met: parts.meetings && ((nodes, wake) => parts.meetings?.await(nodes, wake)),
    random: parts.random ?? Math.random,
    checkModule: async module => {
      runtimeFor(module.format)
      await computer.check(module)
    },
    trouble: wiring.trouble,
    effectFailed: createEffectLog(parts.logger, parts.clock),
  })
  wiring.units.messenger = messenger
  keep(messenger)

  await parts.handovers?.begin(movingUnits({ ...agreeing, scheduler, computer, messenger, key: computeKey(parts) }))
  await computer.armTimers()
  await agreeing.resume()
  await messenger.resume()
  log.forgetRecovered?.()
  if (log.restored === true) void restored.repairAll()
  const pulls = peers && new FeedPull({ ...wiring, log, key: keys.key, peers, watch: parts.watch })
  const reading = pulls ? reachingLog({ ...wiring, log, key: keys.key, pull: id => pulls.pull(id) }) : log
  return { scheduler, computer, messenger, agreed, service, reading }
}

/** The same log, with modules from wherever they are known. */
function withModules(log: Log, { learnModule }: Learning): Log {
  return withOverrides(log, { directory: withOverrides(log.directory, { module: learnModule }) })
}

/** What the arrows between units hang on while those open. */
interface Wiring extends Learning {
  readonly restored: RestoredFeeds
  readonly units: { -readonly [Name in 'scheduler' | 'computer' | 'messenger']?: Units[Name] }
  agreeing?: OpenAgreement
  trouble(what: string, failure: Failure): void
}

function openComputer(parts: UnitsParts, wiring: Wiring): Promise<ComputeUnit> {
  const { keys, metrics, observer } = parts
  return ComputeUnit.open({
    ...parts,
    ...parts.bounds,
    key: keys.key,
    seed: keys.seed,
    notary: parts.notaries?.evaluation,
    openHost: parts.openHost ?? childProcessHosts(hostProgram(parts.wasmer === true ? MAY_START_WORKERS : [])),
    describe: wiring.describe,
    residentMaxBytes: parts.residentBytes,
    evaluated: (frame, sending) => {
      metrics.evaluated(frame.outcome.count, frame.outcome.gas)
      wiring.agreeing?.agreement.evaluated(frame, sending)
      observer?.evaluated?.(frame)
    },
    early: (sending, commitment) => wiring.units.messenger?.early(sending, commitment),
    timers: (process, timers) => wiring.agreeing?.timers(process, timers),
    progress: (process, evaluated, scheduled) => parts.progress?.(process, evaluated, scheduled),
    trouble: (process, failure) => wiring.trouble(`process ${process}`, failure),
  })
}

/** This node's key as that of a compute unit; nobody's, if it runs none. */
const computeKey = ({ keys, computes }: UnitsParts): KeyId => (computes === false ? NOBODY : keys.key)
const NOBODY = asKeyId('')

function openScheduler(parts: UnitsParts, wiring: Wiring, computer: ComputeUnit): Promise<SchedulerUnit> {
  const { keys, log, clock, metrics, observer, peers } = parts
  return SchedulerUnit.open({
    ...parts.bounds,
    key: keys.key,
    log,
    clock,
    committing: (frames, underWay) => {
      for (const frame of frames) computer.expect(frame.process, frame, underWay)
    },
    committed: frames => {
      metrics.committed(frames)
      handOver(frames, wiring.units, peers === undefined ? undefined : computeKey(parts))
      observer?.committed?.(frames)
    },
    describe: wiring.describe,
    confirmEpoch: parts.handovers && (process => parts.handovers?.confirm(process) ?? Promise.resolve()),
    isBehind: process => void parts.handovers?.look(process),
    assignable: process => isAssignable(wiring, process),
    attests: push => computer.attests(push),
    notary: parts.notaries?.admission,
    together: peers && {
      seed: keys.seed,
      peers,
      timers: id => wiring.agreeing?.agreed.timers(id) ?? computer.timers(id),
      learnModule: async module => {
        if ((await wiring.learnModule(module)) === undefined) throw new Failure('unknown-module', { module })
      },
      settled: frames => {
        handOver(frames, wiring.units, keys.key)
        observer?.committed?.(frames)
      },
    },
    signerRatePerSecond: parts.signerRate,
    confirm: process => wiring.restored.confirm(process),
  })
}

function troubleOf({ metrics, observer, logger, handovers }: UnitsParts): Wiring['trouble'] {
  return (what, failure) => {
    if (failure.code === 'shutting-down') return
    metrics.trouble(failure)
    const { process } = failure.details
    if (failure.code === 'moved' && typeof process === 'string') void handovers?.look(asProcessId(process))
    observer?.trouble?.(what, failure)
    const cause = failure.cause instanceof Error ? { cause: failure.cause.message } : {}
    logger.warn({ what, code: failure.code, ...failure.details, ...cause }, failure.message)
  }
}

/** Frames of processes whose compute units are elsewhere are evaluated there; a node without others does all by itself. */
function handOver(
  frames: readonly CommittedFrame[],
  { computer, messenger }: Wiring['units'],
  among: KeyId | undefined,
): void {
  for (const frame of frames) {
    const { process } = frame
    if (!isEvaluatedHere(process, among)) {
      computer?.notice(process.id, frame)
      continue
    }
    messenger?.scheduled(process, frame.firstSlot, frame.bytes)
    computer?.accept(process, frame)
  }
}

const isEvaluatedHere = ({ policy }: ProcessDescription, among: KeyId | undefined): boolean =>
  among === undefined || policy.computeUnits.includes(among)

async function isAssignable({ learnModule }: Learning, process: ProcessDescription): Promise<boolean> {
  const module = await learnModule(process.module)
  return module !== undefined && runtimeFor(module.format).assignable
}
