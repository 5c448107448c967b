import { childProcessHosts, ComputeUnit, type EvaluatedFrame, type OpenHost } from '../compute-unit/index.ts'
import { type EffectOffer, MessengerUnit } from '../messenger-unit/index.ts'
import { runtimeFor } from '../processes/index.ts'
import { asModuleId, emptyCanisterModule } from '../protocol/index.ts'
import type {
  Clock,
  Failure,
  Log,
  ModuleDescription,
  Peers,
  ProcessDescription,
  ProcessId,
  Scheduler,
} from '../protocol/index.ts'
import { type CommittedFrame, SchedulerUnit } from '../scheduler-unit/index.ts'
import { findCanister } from './find-canister.ts'
import { hostProgram, MAY_START_WORKERS } from './host-program.ts'
import type { NodeKeys } from './keystore.ts'
import { LearnedProcesses } from './learned-processes.ts'
import type { NodeLogger } from './logger.ts'
import type { UnitMetrics } from './unit-metrics.ts'

export interface UnitsParts {
  readonly keys: NodeKeys
  readonly log: Log
  readonly clock: Clock
  readonly logger: NodeLogger
  readonly metrics: UnitMetrics
  readonly effects: EffectOffer
  readonly hosts?: number | undefined
  readonly residentBytes?: number | undefined
  readonly signerRate?: number | undefined
  readonly wasmer?: boolean | undefined
  /** How compute hosts are opened; as child processes, if not given. */
  readonly openHost?: OpenHost | undefined
  /** Other nodes. */
  readonly peers?: Peers | undefined
  /** The node's own scheduler as the messenger reaches it; itself, if not given. */
  readonly carry?: ((scheduler: Scheduler) => Scheduler) | undefined
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
  readonly computer: ComputeUnit
  readonly messenger: MessengerUnit
}

/**
 * Opens the three units and draws the arrows between them; they know each other only through these:
 * scheduler ─committed frame→ compute unit ─certified results→ messenger ─pushes→ scheduler.
 * `keep` is told of each as it opens, in an order such that closing newest first lets what is under way come to rest.
 */
export async function openUnits(parts: UnitsParts, keep: (unit: AsyncDisposable) => void): Promise<Units> {
  const { keys, log, clock, metrics, peers } = parts
  await knowEmptyCanister(log)
  const known = peers && new LearnedProcesses({ directory: log.directory, peers, clock })
  const describe = async (process: ProcessId): Promise<ProcessDescription | undefined> => known?.process(process)
  const units: Partial<{ -readonly [Name in keyof Units]: Units[Name] }> = {}
  const trouble = (what: string, failure: Failure): void => {
    if (failure.code === 'shutting-down') return
    metrics.trouble(failure)
    parts.observer?.trouble?.(what, failure)
    const cause = failure.cause instanceof Error ? { cause: failure.cause.message } : {}
    parts.logger.warn({ what, code: failure.code, ...failure.details, ...cause }, failure.message)
  }

  const computer = await ComputeUnit.open({
    key: keys.key,
    seed: keys.seed,
    log,
    clock,
    openHost: parts.openHost ?? childProcessHosts(hostProgram(parts.wasmer === true ? MAY_START_WORKERS : [])),
    describe,
    hosts: parts.hosts,
    residentMaxBytes: parts.residentBytes,
    evaluated: (frame, sending) => {
      const { process, certificate, outcome } = frame
      metrics.evaluated(outcome.count, outcome.gas)
      // Whose word does not count for a process has nothing to push for it.
      const counts = process.policy.computeUnits.includes(keys.key)
      units.messenger?.evaluated(process, certificate, counts ? sending : [])
      parts.observer?.evaluated?.(frame)
    },
    timers: (process, timers) => units.scheduler?.arm(process, timers),
    progress: (process, evaluated, scheduled) => parts.progress?.(process, evaluated, scheduled),
    trouble: (process, failure) => trouble(`process ${process}`, failure),
  })
  units.computer = computer
  keep(computer)

  const scheduler = await SchedulerUnit.open({
    key: keys.key,
    log,
    clock,
    committing: (frames, done) => {
      for (const frame of frames) computer.expect(frame.process, frame, done)
    },
    committed: frames => {
      metrics.committed(frames)
      handOver(frames, units)
      parts.observer?.committed?.(frames)
    },
    describe,
    assignable: process => isAssignable(log, process),
    attests: push => computer.attests(push),
    signerRatePerSecond: parts.signerRate,
  })
  units.scheduler = scheduler
  keep(scheduler)

  const checkModule = async (module: ModuleDescription): Promise<void> => {
    runtimeFor(module.format)
    await computer.check(module)
  }
  const messenger = new MessengerUnit({
    log,
    scheduler: parts.carry?.(scheduler) ?? scheduler,
    computer,
    clock,
    peers,
    describe,
    random: parts.random ?? Math.random,
    effects: { ...parts.effects, effects: { 'canister.find': findCanister(log.directory), ...parts.effects.effects } },
    checkModule,
    trouble,
  })
  units.messenger = messenger
  keep(messenger)

  await computer.armTimers()
  await messenger.resume()
  log.forgetRecovered?.()
  return { scheduler, computer, messenger }
}

/** Canisters that begin without code are of a module that every node knows. */
async function knowEmptyCanister({ directory }: Log): Promise<void> {
  const module = emptyCanisterModule()
  if ((await directory.module(asModuleId(module.id))) === undefined) await directory.addModule(module)
}

function handOver(frames: readonly CommittedFrame[], { computer, messenger }: Partial<Units>): void {
  for (const frame of frames) {
    messenger?.scheduled(frame.process, frame.firstSlot, frame.bytes)
    computer?.accept(frame.process, frame)
  }
}

async function isAssignable(log: Log, process: ProcessDescription): Promise<boolean> {
  const module = await log.directory.module(process.module)
  return module !== undefined && runtimeFor(module.format).assignable
}
