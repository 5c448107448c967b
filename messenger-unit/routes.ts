import {
  type Clock,
  decodePushBody,
  describeSpawnItem,
  Failure,
  typeOf,
  isSpawn,
  type KeyId,
  type Log,
  type MessageId,
  type Peers,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  type ProcessPolicy,
  type Push,
  readPolicy,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'
import { SchedulersElsewhere, type SchedulersOf } from './schedulers-elsewhere.ts'

export interface RoutesParts {
  readonly log: Log
  readonly clock: Pick<Clock, 'elapsed'>
  /** This node's own. */
  readonly scheduler: Scheduler
  /** Other nodes; a node without any schedules all by itself. */
  readonly peers?: Pick<Peers, 'schedule'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  /** Asks whether a process was handed over; true, if so. */
  moved?(process: ProcessId): Promise<boolean>
  /** Calls `wake` once one of these nodes is linked that is not now; gives what ends that. */
  met?: ((nodes: readonly KeyId[], wake: () => void) => Disposable | undefined) | undefined
}

/** Whether it may have failed because the process is scheduled elsewhere by now. */
export function maybeMoved({ code }: Failure): boolean {
  return code === 'moved' || code === 'unreachable' || code === 'not-scheduler' || code === 'timeout'
}

function mayBeElsewhere(answer: ScheduleAnswer): boolean {
  return answer.status === 'failed' && maybeMoved(answer.failure)
}

/** Messages that were handed to other nodes, the last of them: where to look for them. */
const FORWARDED_MAX = 100_000

/** Who schedules which process: each request finds its way to the scheduler that its process names. */
export class Routes {
  readonly #parts: RoutesParts
  readonly #elsewhere: SchedulersElsewhere | undefined
  readonly #forwarded = new Map<MessageId, ProcessId>()

  constructor(parts: RoutesParts) {
    this.#parts = parts
    this.#elsewhere = parts.peers && new SchedulersElsewhere(parts.peers, parts.clock)
  }

  /** Where a message went that was handed in here and stands elsewhere. */
  wentTo(message: MessageId): ProcessId | undefined {
    return this.#forwarded.get(message)
  }

  /** The schedulers that a policy names. */
  to(policy: SchedulersOf): Pick<Scheduler, 'schedule'> {
    const { scheduler } = this.#parts
    return this.#elsewhere === undefined || policy.schedulers.includes(scheduler.key)
      ? scheduler
      : this.#elsewhere.of(policy)
  }

  /**
   * What one of the schedulers of a process gives; they are asked one after the other. Nothing, if this node schedules it, or
   * nobody knows it. @throws {Failure} what the last of them failed by
   */
  async fromOne<T>(process: ProcessId, ask: (scheduler: KeyId) => Promise<T>): Promise<T | undefined> {
    const { log, describe, scheduler } = this.#parts
    const { schedulers } = ((await log.directory.process(process)) ?? (await describe?.(process)))?.policy ?? {}
    if (this.#elsewhere === undefined || schedulers === undefined || schedulers.includes(scheduler.key))
      return undefined
    let failure: unknown
    for (const key of this.#elsewhere.inOrder(schedulers)) {
      try {
        return await ask(key)
      } catch (error) {
        failure = error
        if (schedulers.length > 1 && Failure.from(error).blame === 'transient') this.#elsewhere.failed(key)
      }
    }
    throw failure
  }

  /** The scheduler of a process; nothing if nobody knows it. @throws {Failure} `unreachable` */
  async of(process: ProcessId): Promise<Pick<Scheduler, 'schedule'> | undefined> {
    const { log, describe } = this.#parts
    const known = (await log.directory.process(process)) ?? (await describe?.(process))
    return known && this.to(known.policy)
  }

  /** The scheduler of the process a push goes to, or would make. @throws {Failure} `unreachable` */
  async ofPush(push: Push): Promise<Pick<Scheduler, 'schedule'> | undefined> {
    const { log, scheduler, peers, describe } = this.#parts
    const known = await log.directory.process(push.core.to)
    if (peers === undefined) return known !== undefined || isSpawn(push) ? scheduler : undefined
    const policy = known?.policy ?? policyOfSpawn(push.bodyBytes) ?? (await describe?.(push.core.to))?.policy
    return policy && this.to(policy)
  }

  /** Calls `wake` whenever a scheduler of the process a push goes to is linked again; gives what ends that. @throws {Failure} `unreachable` */
  async met({ core }: Push, wake: () => void): Promise<Disposable | undefined> {
    const { log, describe, met } = this.#parts
    const known = met && ((await log.directory.process(core.to)) ?? (await describe?.(core.to)))
    return known && met?.(known.policy.schedulers, wake)
  }

  /** As `Scheduler.schedule`, wherever the processes are scheduled. Requests for one scheduler stay in order. */
  async schedule(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
    if (this.#elsewhere === undefined) return this.#parts.scheduler.schedule(requests)
    const { moved } = this.#parts
    const answers = await this.#scheduleOnce(requests)
    if (moved === undefined || !answers.some(mayBeElsewhere)) return answers
    return Promise.all(
      answers.map(async (answer, at) => {
        const request = requests[at]
        if (request === undefined || !mayBeElsewhere(answer) || !(await moved(request.process))) return answer
        const [again] = await this.#scheduleOnce([request])
        return again ?? answer
      }),
    )
  }

  async #scheduleOnce(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
    const { scheduler } = this.#parts
    const groups = new Map<string, { readonly policy: SchedulersOf; readonly places: number[] }>()
    const answers: (ScheduleAnswer | undefined)[] = requests.map(() => undefined)
    for (const [i, request] of requests.entries()) {
      try {
        const policy = await this.#policyOf(request)
        const { schedulers, schedulerQuorum } = policy
        const key = schedulers.includes(scheduler.key) ? scheduler.key : `${schedulerQuorum} ${schedulers.join(' ')}`
        const group = groups.get(key)
        if (group === undefined) groups.set(key, { policy, places: [i] })
        else group.places.push(i)
      } catch (error) {
        answers[i] = { status: 'failed', failure: Failure.from(error) }
      }
    }
    await Promise.all(
      [...groups].map(async ([key, { policy, places }]) => {
        const group = places.flatMap(i => requests[i] ?? [])
        const given = await (key === scheduler.key ? scheduler.schedule(group) : this.#forward(this.to(policy), group))
        for (const [at, answer] of given.entries()) answers[places[at] ?? 0] = answer
      }),
    )
    return answers.map(answer => answer ?? { status: 'failed', failure: new Failure('internal') })
  }

  async #forward(
    elsewhere: Pick<Scheduler, 'schedule'>,
    requests: readonly ScheduleRequest[],
  ): Promise<readonly ScheduleAnswer[]> {
    try {
      const answers = await elsewhere.schedule(requests)
      for (const answer of answers) {
        if (answer.status === 'scheduled' || answer.status === 'known')
          this.#remember(answer.receipt.id, answer.receipt.process)
      }
      return answers
    } catch (error) {
      const failure = Failure.from(error)
      return requests.map(() => ({ status: 'failed', failure }))
    }
  }

  /** Nobody known is asked at this node: its own scheduler says that there is no such process. */
  async #policyOf({ process, envelope, id }: ScheduleRequest): Promise<SchedulersOf> {
    const { log, describe, scheduler } = this.#parts
    const atHand = log.directory.processAtHand(process)
    if (atHand !== undefined) return atHand.policy
    if (envelope.kind === 'item' && (id === undefined || id === process)) {
      const item = parseDataItem(envelope.item)
      const isSpawn = item.id === process && typeOf(item.tags) === 'Process'
      if (isSpawn) return describeSpawnItem(item).policy
    }
    const known = (await log.directory.process(process)) ?? (await describe?.(process))
    return known?.policy ?? { schedulers: [scheduler.key], schedulerQuorum: 1 }
  }

  #remember(message: MessageId, process: ProcessId): void {
    if (this.#forwarded.size >= FORWARDED_MAX) {
      const [oldest] = this.#forwarded.keys()
      if (oldest !== undefined) this.#forwarded.delete(oldest)
    }
    this.#forwarded.set(message, process)
  }
}

/** What a spawn says of the child it makes; nothing, if it is none, or makes no sense. */
function policyOfSpawn(bodyBytes: Uint8Array): ProcessPolicy | undefined {
  const { kind, tags } = decodePushBody(bodyBytes)
  if (kind !== 'spawn') return undefined
  try {
    return readPolicy(tags)
  } catch {
    return undefined
  }
}
