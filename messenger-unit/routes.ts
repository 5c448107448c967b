import {
  decodePushBody,
  describeSpawnItem,
  Failure,
  findTag,
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
import { anyScheduler } from './any-scheduler.ts'

export interface RoutesParts {
  readonly log: Log
  /** This node's own. */
  readonly scheduler: Scheduler
  /** Other nodes; a node without any schedules all by itself. */
  readonly peers?: Pick<Peers, 'schedule'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  /** Asks whether a process was handed over; true, if so. */
  moved?(process: ProcessId): Promise<boolean>
}

/** Whether it may have failed because the process is scheduled elsewhere by now. */
export function maybeMoved({ code }: Failure): boolean {
  return code === 'moved' || code === 'unreachable' || code === 'not-scheduler' || code === 'timeout'
}

/** Messages that were handed to other nodes, the last of them: where to look for them. */
const FORWARDED_MAX = 100_000

/** Who schedules which process: each request finds its way to the scheduler that its process names. */
export class Routes {
  readonly #parts: RoutesParts
  readonly #forwarded = new Map<MessageId, ProcessId>()

  constructor(parts: RoutesParts) {
    this.#parts = parts
  }

  /** Where a message went that was handed in here and stands elsewhere. */
  wentTo(message: MessageId): ProcessId | undefined {
    return this.#forwarded.get(message)
  }

  /** The scheduler that a policy names. */
  to({ schedulers }: ProcessPolicy): Pick<Scheduler, 'schedule'> {
    const { scheduler, peers } = this.#parts
    return peers === undefined || schedulers.includes(scheduler.key) ? scheduler : anyScheduler(peers, schedulers)
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
    const policy =
      known?.policy ?? policyOfSpawn(push.bodyBytes) ?? (await describe?.(push.core.to))?.policy
    return policy && this.to(policy)
  }

  /** As `Scheduler.schedule`, wherever the processes are scheduled. Requests for one scheduler stay in order. */
  async schedule(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
    const { scheduler, peers, moved } = this.#parts
    if (peers === undefined) return scheduler.schedule(requests)
    const answers = await this.#scheduleOnce(requests, scheduler, peers)
    if (moved === undefined) return answers
    return Promise.all(
      answers.map(async (answer, at) => {
        const request = requests[at]
        if (request === undefined || answer.status !== 'failed' || !maybeMoved(answer.failure)) return answer
        if (!(await moved(request.process))) return answer
        const [again] = await this.#scheduleOnce([request], scheduler, peers)
        return again ?? answer
      }),
    )
  }

  async #scheduleOnce(
    requests: readonly ScheduleRequest[],
    scheduler: Scheduler,
    peers: Pick<Peers, 'schedule'>,
  ): Promise<readonly ScheduleAnswer[]> {
    const groups = new Map<string, { readonly schedulers: readonly KeyId[]; readonly places: number[] }>()
    const answers: (ScheduleAnswer | undefined)[] = requests.map(() => undefined)
    for (const [i, request] of requests.entries()) {
      try {
        const schedulers = await this.#schedulersOf(request)
        const key = schedulers.includes(scheduler.key) ? scheduler.key : schedulers.join(' ')
        const group = groups.get(key)
        if (group === undefined) groups.set(key, { schedulers, places: [i] })
        else group.places.push(i)
      } catch (error) {
        answers[i] = { status: 'failed', failure: Failure.from(error) }
      }
    }
    await Promise.all(
      [...groups].map(async ([key, { schedulers, places }]) => {
        const group = places.flatMap(i => requests[i] ?? [])
        const given = await (key === scheduler.key
          ? scheduler.schedule(group)
          : this.#forward(anyScheduler(peers, schedulers), group))
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
  async #schedulersOf({ process, envelope, item: parsed }: ScheduleRequest): Promise<readonly KeyId[]> {
    const { log, describe, scheduler } = this.#parts
    const atHand = log.directory.processAtHand(process)
    if (atHand !== undefined) return atHand.policy.schedulers
    if (envelope.kind === 'item') {
      const item = parsed ?? parseDataItem(envelope.item)
      const isSpawn = item.id === process && findTag(item.tags, 'Type') === 'Process'
      if (isSpawn) return describeSpawnItem(item).policy.schedulers
    }
    const known = (await log.directory.process(process)) ?? (await describe?.(process))
    return known?.policy.schedulers ?? [scheduler.key]
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
