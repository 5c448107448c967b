/**
 * The schedulers of processes that other nodes schedule. Of several none is believed alone:
 *
 * 1. A message counts as taken once as many of its schedulers as must sign a block say that it stands in their feed. Each
 *    of them says so only of what it has under those signatures itself; so one at least that does not lie has it.
 * 2. They are asked one after the other, in the order of the policy; those that could not be reached lately come last.
 * 3. What one refuses, another may take.
 */
import {
  type Clock,
  Failure,
  type KeyId,
  type Peers,
  type ProcessPolicy,
  type Receipt,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'

/** How long one that could not be reached comes last. */
const ABSENT_MS = 15_000
const ABSENT_MAX = 1_000

export type SchedulersOf = Pick<ProcessPolicy, 'schedulers' | 'schedulerQuorum'>

export class SchedulersElsewhere {
  readonly #peers: Pick<Peers, 'schedule'>
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #absentUntilMs = new Map<KeyId, number>()

  constructor(peers: Pick<Peers, 'schedule'>, clock: Pick<Clock, 'elapsed'>) {
    this.#peers = peers
    this.#clock = clock
  }

  /** Those of one process. */
  of(policy: SchedulersOf): Pick<Scheduler, 'schedule'> {
    return { schedule: requests => this.#schedule(policy, requests) }
  }

  /** Schedulers in the order in which they are asked. */
  inOrder(schedulers: readonly KeyId[]): readonly KeyId[] {
    const nowMs = this.#clock.elapsed()
    const isAbsent = (key: KeyId): boolean => (this.#absentUntilMs.get(key) ?? 0) > nowMs
    return [...schedulers.filter(key => !isAbsent(key)), ...schedulers.filter(isAbsent)]
  }

  /** It could not be reached. */
  failed(scheduler: KeyId): void {
    if (this.#absentUntilMs.size >= ABSENT_MAX) this.#absentUntilMs.clear()
    this.#absentUntilMs.set(scheduler, this.#clock.elapsed() + ABSENT_MS)
  }

  /** @throws {Failure} what the last of them could not be reached by, if none could */
  async #schedule(
    { schedulers, schedulerQuorum }: SchedulersOf,
    requests: readonly ScheduleRequest[],
  ): Promise<readonly ScheduleAnswer[]> {
    const said = requests.map(request => new Said(request, schedulerQuorum))
    let unreached: unknown
    for (const scheduler of this.inOrder(schedulers)) {
      const open = said.filter(({ isTaken }) => !isTaken)
      if (open.length === 0) break
      try {
        const answers = await this.#peers.schedule(
          scheduler,
          open.map(({ request }) => request),
        )
        for (const [at, one] of open.entries()) one.add(answers[at])
      } catch (error) {
        unreached = error
        if (schedulers.length === 1) break
        this.failed(scheduler)
      }
    }
    if (unreached !== undefined && said.every(({ isEmpty }) => isEmpty)) throw unreached
    return said.map(one => one.answer)
  }
}

/** What schedulers of one process said of one message. */
class Said {
  readonly request: ScheduleRequest
  readonly #quorum: number
  readonly #answers: ScheduleAnswer[] = []

  constructor(request: ScheduleRequest, quorum: number) {
    this.request = request
    this.#quorum = quorum
  }

  add(answer: ScheduleAnswer | undefined): void {
    if (answer !== undefined) this.#answers.push(this.#checked(answer))
  }

  get isEmpty(): boolean {
    return this.#answers.length === 0
  }

  get isTaken(): boolean {
    return this.#taken !== undefined
  }

  get answer(): ScheduleAnswer {
    const taken = this.#taken
    if (taken !== undefined) return taken
    const gaps = this.#answers
      .flatMap(answer => (answer.status === 'gap' ? [answer.expectedSeq] : []))
      .sort((a, b) => b - a)
    // Whoever lies or lags behind among them is outvoted from both sides.
    const expectedSeq = gaps[Math.min(this.#quorum, gaps.length) - 1]
    if (expectedSeq !== undefined) return { status: 'gap', expectedSeq }
    return (
      this.#answers.find(({ status }) => status === 'failed') ?? {
        status: 'failed',
        failure: this.#tooFew,
      }
    )
  }

  get #tooFew(): Failure {
    const note = `only ${this.#answers.length} of its schedulers say that it stands in the feed`
    return new Failure('no-quorum', { process: this.request.process, quorum: this.#quorum }, { note })
  }

  /** What enough of them say. A push is known by its seq; for all else they must name the same slot. */
  get #taken(): ScheduleAnswer | undefined {
    const isPush = this.request.envelope.kind === 'push'
    const places = new Map<string, { count: number; answer: ScheduleAnswer }>()
    for (const answer of this.#answers) {
      const place = placeOf(answer, isPush)
      if (place === undefined) continue
      const before = places.get(place)
      const count = (before?.count ?? 0) + 1
      const said = before === undefined || before.answer.status === 'duplicate' ? answer : before.answer
      if (count >= this.#quorum) return said
      places.set(place, { count, answer: said })
    }
    return undefined
  }

  /** A receipt for something else is none. */
  #checked(answer: ScheduleAnswer): ScheduleAnswer {
    const { process, id } = this.request
    if (answer.status !== 'scheduled' && answer.status !== 'known') return answer
    const { receipt } = answer
    if (receipt.process === process && (id === undefined || receipt.id === id)) return answer
    return {
      status: 'failed',
      failure: new Failure('unreachable', { process }, { note: 'its scheduler gave a receipt for something else' }),
    }
  }
}

function placeOf(answer: ScheduleAnswer, isPush: boolean): string | undefined {
  if (answer.status === 'duplicate') return isPush ? '' : undefined
  if (answer.status !== 'scheduled' && answer.status !== 'known') return undefined
  return isPush ? '' : nameOf(answer.receipt)
}

const nameOf = ({ id, slot, timestampMs }: Receipt): string => `${id} ${slot} ${timestampMs}`
