import {
  describeProcess,
  Failure,
  type KeyId,
  type Messenger,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'

export const UNIT_NAMES = ['messenger', 'scheduler', 'compute'] as const
export type UnitName = (typeof UNIT_NAMES)[number]

/**
 * The units that a node runs, where it does not run all. Whoever asks for one that it does not run is told so:
 *
 * 1. Without `messenger` it takes no messages from clients; what its own processes cause it carries all the same.
 * 2. Without `scheduler` it gives no slots: a process that names it as scheduler cannot be spawned.
 * 3. Without `compute` it evaluates nothing: a process that names it as compute unit cannot be spawned here, and one
 *    that was spawned elsewhere is not followed.
 */
export class UnitRoles {
  readonly names: readonly UnitName[]
  readonly #key: KeyId

  constructor(key: KeyId, names: readonly UnitName[] = UNIT_NAMES) {
    this.#key = key
    this.names = UNIT_NAMES.filter(name => names.includes(name))
  }

  runs(name: UnitName): boolean {
    return this.names.includes(name)
  }

  /** @throws {Failure} `unit-not-run` */
  expect(name: UnitName): void {
    if (!this.runs(name)) throw new Failure('unit-not-run', { unit: name })
  }

  /** The scheduler as everybody reaches it. */
  scheduler(scheduler: Scheduler): Scheduler {
    if (this.runs('scheduler') && this.runs('compute')) return scheduler
    return {
      key: scheduler.key,
      schedule: requests => this.#schedule(scheduler, requests),
      arm: (process, timers) => scheduler.arm(process, timers),
      monitor: (process, on) => scheduler.monitor(process, on),
    }
  }

  /** The messenger as clients reach it. */
  messenger(messenger: Messenger): Messenger {
    if (this.runs('messenger')) return messenger
    const refusal = new Failure('unit-not-run', { unit: 'messenger' })
    return {
      submit: async items => items.map(() => refusal),
      ingress: () => Promise.reject(refusal),
      assign: () => Promise.reject(refusal),
      trace: (id, options) => messenger.trace(id, options),
    }
  }

  async #schedule(scheduler: Scheduler, requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
    const refusals = requests.map(request => this.#refusal(request))
    const taken = requests.filter((_, at) => refusals[at] === undefined)
    const answers = (taken.length === 0 ? [] : await scheduler.schedule(taken)).values()
    return refusals.map(failure => {
      if (failure !== undefined) return { status: 'failed', failure }
      return answers.next().value ?? { status: 'failed', failure: new Failure('internal') }
    })
  }

  #refusal(request: ScheduleRequest): Failure | undefined {
    if (!this.runs('scheduler')) return new Failure('unit-not-run', { unit: 'scheduler' })
    if (!this.runs('compute') && namesComputeUnit(request, this.#key)) {
      return new Failure('unit-not-run', { unit: 'compute' }, { note: 'name others as compute units' })
    }
    return undefined
  }
}

/** Whether it spawns a process that is to be evaluated by `key`. */
function namesComputeUnit({ process, envelope }: ScheduleRequest, key: KeyId): boolean {
  if (envelope.kind !== 'item' && envelope.kind !== 'push') return false
  try {
    const spawned = describeProcess(envelope)
    return spawned.id === process && spawned.policy.computeUnits.includes(key)
  } catch {
    // No spawn message, or one that says nothing: the scheduler tells why.
    return false
  }
}
