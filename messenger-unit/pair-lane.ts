import {
  type Clock,
  type Computer,
  Failure,
  type ProcessId,
  type Push,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'
import { ABSENT_MS, TAKE_OVER_MS, TAKE_OVER_SOON_MS } from './courier.ts'
import { backOffMs } from './retry.ts'

export interface PairLaneParts {
  readonly computer: Computer
  readonly clock: Clock
  /** The scheduler of the process a push goes to, if it can be told without a wait. */
  schedulerAtHand(push: Push): Pick<Scheduler, 'schedule'> | undefined
  /** The scheduler of the process a push goes to; nothing if no such process is known. */
  schedulerOf(push: Push): Promise<Pick<Scheduler, 'schedule'> | undefined>
  /** Whether that scheduler vouches for a push that comes without its proof. */
  vouches(scheduler: Pick<Scheduler, 'schedule'>, push: Push): boolean
  /** What `from` ever sent to `to`, from seq `seq` on. */
  sentFrom(from: ProcessId, to: ProcessId, seq: number): Promise<readonly Push[]>
  /** How many others carry the pushes of this pair before this node does. */
  rank(push: Push): number
  /** The seq which the scheduler of the receiver expects next; nothing if it cannot be told. */
  expectedSeq(push: Push): Promise<number | undefined>
  random(): number
  delivered(push: Push): void
  trouble(push: Push, failure: Failure): void
}

/** Pushes of one pair handed over at once: they are seated in order, so the window costs no order. */
const WINDOW = 64
/** How long a push to somebody unknown is tried: its process may be about to be spawned. */
const UNKNOWN_GRACE_MS = 10_000

/**
 * All that one process sends to one other: first in, first delivered.
 * Whatever fails is tried again for ever, later and later; only the head of the line is.
 */
export class PairLane {
  readonly #parts: PairLaneParts
  #queue: Push[] = []
  /** Pushes that were brought back to fill a gap: they were counted as delivered before. */
  readonly #broughtBack = new Set<Push>()
  readonly #stop = new AbortController()
  #running = false
  /** Pushes that were done for the first time. */
  #fresh = 0
  /** How many were when pushes were last brought back: who wants them again and again has them no sooner. */
  #broughtBackAt: number | undefined
  #unknownSinceMs: number | undefined
  /** Until then whoever comes before this node is taken not to deliver. */
  #absentUntilMs = 0

  constructor(parts: PairLaneParts) {
    this.#parts = parts
  }

  get idle(): boolean {
    return !this.#running && this.#queue.length === 0
  }

  enqueue(push: Push): void {
    this.#queue.push(push)
    if (this.#running) return
    this.#running = true
    void this.#run()
  }

  stop(): void {
    this.#stop.abort()
    this.#queue = []
  }

  async #run(): Promise<void> {
    // What one slot sends goes together.
    await Promise.resolve()
    for (let attempt = 1; this.#queue.length > 0 && !this.#stop.signal.aborted; ) {
      const [first] = this.#queue
      const rank = first === undefined ? 0 : this.#parts.rank(first)
      if (rank > 0 && !(await this.#myTurn(rank))) continue
      const before = this.#fresh
      let failure: Failure | undefined
      try {
        failure = await this.#deliver(this.#queue.slice(0, WINDOW))
      } catch (error) {
        failure = Failure.from(error)
      }
      if (failure === undefined || this.#fresh !== before) {
        attempt = 1
        continue
      }
      const [head] = this.#queue
      if (head !== undefined && failure.code !== 'unknown-process') this.#parts.trouble(head, failure)
      const { signal } = this.#stop
      await this.#parts.clock.sleep(backOffMs(attempt, this.#parts.random()), { signal }).catch(() => undefined)
      attempt += 1
    }
    this.#running = false
  }

  /** Whether the head of the line is for this node to carry because the `rank` before it did not. */
  async #myTurn(rank: number): Promise<boolean> {
    const [head] = this.#queue
    if (head === undefined) return true
    const { clock, expectedSeq, trouble } = this.#parts
    const waitMs = rank * (clock.now() < this.#absentUntilMs ? TAKE_OVER_SOON_MS : TAKE_OVER_MS)
    await clock.sleep(waitMs, { signal: this.#stop.signal }).catch(() => undefined)
    if (this.#stop.signal.aborted) return false
    const expected = await expectedSeq(head).catch(error => trouble(head, Failure.from(error)))
    let [next] = this.#queue
    for (; expected !== undefined && next !== undefined && next.core.seq < expected; [next] = this.#queue) this.#done(next)
    if (next !== head) return false
    this.#absentUntilMs = clock.now() + ABSENT_MS
    return true
  }

  /** Hands over a window; gives what stopped it, if something did. */
  async #deliver(window: readonly Push[]): Promise<Failure | undefined> {
    const [head] = window
    if (head === undefined) return undefined
    const scheduler = this.#parts.schedulerAtHand(head) ?? (await this.#parts.schedulerOf(head))
    if (scheduler === undefined) return this.#setAside(window)
    this.#unknownSinceMs = undefined
    const answers = await scheduler.schedule(this.#vouched(scheduler, window) ?? (await this.#requests(window)))
    for (const [i, answer] of answers.entries()) {
      const push = window[i]
      if (push === undefined) break
      if (answer.status === 'gap') return this.#refill(push, answer.expectedSeq)
      const failure = failureOf(answer)
      if (failure !== undefined) return failure
      this.#done(push)
    }
    return undefined
  }

  /**
   * Nobody of that name is here: a wallet, or a process that is about to be spawned. After a while these pushes are
   * let go; should such a process appear, the next push of the pair meets a gap and brings them back.
   */
  #setAside(window: readonly Push[]): Failure | undefined {
    const nowMs = this.#parts.clock.now()
    this.#unknownSinceMs ??= nowMs
    const [head] = window
    if (nowMs - this.#unknownSinceMs < UNKNOWN_GRACE_MS) {
      return new Failure('unknown-process', { process: head?.core.to ?? '' })
    }
    for (const push of window) this.#done(push)
    return undefined
  }

  /** The receiver lacks earlier pushes: they are put before the head again. */
  async #refill(head: Push, expectedSeq: number): Promise<Failure | undefined> {
    const { from, to, seq } = head.core
    const isAgain = this.#broughtBackAt === this.#fresh
    this.#broughtBackAt = this.#fresh
    const earlier = (await this.#parts.sentFrom(from, to, expectedSeq)).filter(
      push => push.core.seq < seq,
    )
    for (const push of earlier) this.#broughtBack.add(push)
    this.#queue.unshift(...earlier)
    return earlier.length > 0 && !isAgain
      ? undefined
      : new Failure('busy', { expectedSeq }, { note: 'an earlier push is missing' })
  }

  /** The window without proofs; nothing, if one of its pushes needs one. */
  #vouched(scheduler: Pick<Scheduler, 'schedule'>, window: readonly Push[]): ScheduleRequest[] | undefined {
    if (!window.every(push => this.#parts.vouches(scheduler, push))) return undefined
    return window.map(push => ({ process: push.core.to, envelope: { kind: 'push', push, proof: undefined } }))
  }

  async #requests(window: readonly Push[]): Promise<ScheduleRequest[]> {
    const requests: ScheduleRequest[] = []
    for (let i = 0; i < window.length; ) {
      const slot = window[i]?.core.slot ?? 0
      let end = i
      while (end < window.length && window[end]?.core.slot === slot) end += 1
      const pushes = window.slice(i, end)
      const { from } = pushes[0]?.core ?? { from: undefined }
      if (from === undefined) break
      const proofs = await this.#parts.computer.proveOutbox(from, slot, pushes.map(push => push.core.index))
      for (const [j, push] of pushes.entries()) {
        const proof = proofs[j]
        if (proof !== undefined) requests.push({ process: push.core.to, envelope: { kind: 'push', push, proof } })
      }
      i = end
    }
    return requests
  }

  #done(push: Push): void {
    this.#queue.shift()
    if (this.#broughtBack.delete(push)) return
    this.#fresh += 1
    this.#parts.delivered(push)
  }
}

function failureOf(answer: ScheduleAnswer): Failure | undefined {
  switch (answer.status) {
    case 'scheduled':
    case 'known':
    case 'duplicate':
      return undefined
    case 'gap':
      return new Failure('busy', { expectedSeq: answer.expectedSeq })
    case 'failed':
      return answer.failure
  }
}
