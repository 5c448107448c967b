import {
  AgreedComputer,
  Agreement,
  type AgreementParts,
  type SpotCheckOutcome,
  SpotChecks,
  TimerWatch,
  UnitService,
} from '../../agreement/index.ts'
import type { ProcessDescription, ProcessId, Timer } from '../../protocol/index.ts'
import { News } from '../following/news.ts'
import type { SchedulerUnit } from '../../scheduler-unit/index.ts'

export interface OpenAgreementParts extends AgreementParts {
  /** This node's own, once it is open. */
  scheduler(): Pick<SchedulerUnit, 'arm' | 'expectedSeq'> | undefined
  /** Part of the frames evaluated elsewhere that this node looks at; none, if not given. */
  readonly spotChecks?: number | undefined
  readonly spotChecked: (outcome: SpotCheckOutcome) => void
  readonly random: () => number
}

/** What a node's own compute unit says and others say, brought together. */
export interface OpenAgreement extends AsyncDisposable {
  readonly agreement: Agreement
  readonly agreed: AgreedComputer
  readonly service: UnitService
  /** The timers a process holds now, as this node's own unit says. */
  timers(process: ProcessId, timers: readonly Timer[]): void
  /** Goes on with what an earlier run knew. */
  resume(): Promise<void>
}

export function openAgreement(parts: OpenAgreementParts): OpenAgreement {
  const { log, clock, peers, scheduler, trouble } = parts
  const { key } = parts.unit
  const agreement = new Agreement(parts)
  const agreed = new AgreedComputer({ ...parts, agreement })
  const arm = (process: ProcessId, timers: readonly Timer[]): void => scheduler()?.arm(process, timers)
  const watch = new TimerWatch({ computer: agreed, store: log.store, clock, arm, trouble })
  const checks = spotChecks(parts)
  const news = peers && new News({ clock, tell: (to, process) => peers.timersChanged(to, process) })
  const service = new UnitService({
    ...parts,
    agreement,
    computer: agreed,
    timersChanged: process => watch.changed(process),
    expectedSeq: async (to, from) => (await scheduler()?.expectedSeq(to, from)) ?? 0,
  })
  /** Timers are told to whoever schedules the process. */
  const tell = (id: ProcessId, timers: readonly Timer[], process: ProcessDescription | undefined): void => {
    const schedulers = process?.policy.schedulers ?? []
    const isElsewhere = process?.policy.computeUnits.includes(key) === false
    // What this node evaluates of it, it evaluates late, if at all: those units say what is so now.
    if (news !== undefined && isElsewhere) return
    if (news === undefined || schedulers.includes(key) || schedulers.length === 0) arm(id, timers)
    if (news === undefined || process === undefined) return
    // Whichever of several schedulers leads gives the ticks.
    for (const home of schedulers) if (home !== key) news.changed(home, id)
  }
  return {
    agreement,
    agreed,
    service,
    timers(id, timers) {
      const atHand = log.directory.processAtHand(id)
      if (news === undefined || atHand !== undefined) tell(id, timers, atHand)
      else
        log.directory.process(id).then(
          process => tell(id, timers, process),
          () => undefined,
        )
    },
    resume: () => watch.resume(),
    async [Symbol.asyncDispose]() {
      checks?.[Symbol.dispose]()
      watch.stop()
      news?.stop()
      agreement.stop()
    },
  }
}

function spotChecks({
  unit,
  key,
  log,
  peers,
  clock,
  evidence,
  trouble,
  ...parts
}: OpenAgreementParts): SpotChecks | undefined {
  const { spotChecks: share = 0, spotChecked: checked, random } = parts
  // A node that shall not compute does not.
  if (share === 0 || peers === undefined || evidence === undefined || key !== unit.key) return undefined
  return new SpotChecks({
    unit,
    key,
    log,
    peers,
    clock,
    evidence,
    share,
    random,
    checked,
    trouble: (process, failure) => trouble?.(process, failure),
  })
}
