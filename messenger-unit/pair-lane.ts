import {
  type Clock,
  type Commitment,
  type Computer,
  Failure,
  type ProcessId,
  type Push,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'
import { ABSENT_MS, TAKE_OVER_MS, TAKE_OVER_SOON_MS } from './courier.ts'
import { failureOf, provenRequests, vouchedRequest } from './push-requests.ts'
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

interface Entry {
  readonly push: Push
  /** Set if what it comes from was not durable when it came here. */
  readonly after: Commitment | undefined
  /** It was handed over in vain, and is not before that is durable. */
  readonly isMissed?: boolean
}

/** Pushes of one pair handed over at once: they are seated in order, so the window costs no order. */
const WINDOW = 64
/** How long a push to somebody unknown is tried: its process may be about to be spawned. */
const UNKNOWN_GRACE_MS = 10_000

/**
 * All that one process sends to one other: first in, first delivered.
 *
 * 1. What this node's own scheduler takes at its own unit's word is handed over as it comes, though what was handed over before is not
 *    durable yet, and though what it comes from is not: the scheduler has it durable with that or after it.
 * 2. All else goes window by window, once it is durable; so does what was handed over in vain. Whatever fails is tried again for
 *    ever, later and later; only the head of the line is.
 * 3. What comes from something that did not become durable never was: it is let go.
 */
export class PairLane {
  readonly #parts: PairLaneParts
  #queue: Entry[] = []
  /** Pushes that were handed over as they came, and have no answer yet. */
  #ahead = 0
  /** What those handed over in vain. */
  #missed: Entry[] = []
  #isLooking = false
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
    return !this.#running && !this.#isLooking && this.#ahead === 0 && this.#queue.length === 0
  }

  /** Whether it delivers nothing any more. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  enqueue(push: Push, after?: Commitment): void {
    this.#queue.push({ push, after })
    this.look()
  }

  /** Goes on, if something may be handed over now: what it comes from may have become durable. */
  look(): void {
    if (this.#running || this.#isLooking || this.isStopped) return
    this.#isLooking = true
    // What one slot sends goes together.
    queueMicrotask(() => {
      this.#isLooking = false
      this.#go()
    })
  }

  stop(): void {
    this.#stop.abort()
    this.#queue = []
  }

  #go(): void {
    if (this.#running || this.#missed.length > 0 || this.isStopped) return
    this.#handAhead()
    this.#dropLost()
    const [head] = this.#queue
    if (head === undefined || this.#ahead > 0 || !isDurable(head)) return
    this.#running = true
    void this.#run()
  }

  /** Hands over what can be at once. */
  #handAhead(): void {
    const [head] = this.#queue
    const scheduler = head && this.#parts.schedulerAtHand(head.push)
    if (scheduler === undefined) return
    const isFor = ({ push, after, isMissed }: Entry): boolean =>
      !isMissed && after?.isInLine !== false && this.#parts.rank(push) === 0 && this.#parts.vouches(scheduler, push)
    const most = Math.min(WINDOW - this.#ahead, this.#queue.length)
    let count = 0
    for (let entry = head; count < most && entry !== undefined && isFor(entry); entry = this.#queue[count]) count += 1
    if (count > 0) void this.#hand(scheduler, this.#queue.splice(0, count))
  }

  async #hand(scheduler: Pick<Scheduler, 'schedule'>, entries: readonly Entry[]): Promise<void> {
    this.#ahead += entries.length
    let answers: readonly ScheduleAnswer[] = []
    try {
      answers = await scheduler.schedule(entries.map(({ push, after }) => vouchedRequest(push, after)))
    } catch (error) {
      const [head] = entries
      if (head !== undefined) this.#parts.trouble(head.push, Failure.from(error))
    }
    this.#ahead -= entries.length
    for (const [at, entry] of entries.entries()) {
      const answer = answers[at]
      if (answer !== undefined && failureOf(answer) === undefined) this.#delivered(entry.push)
      else this.#missed.push({ ...entry, isMissed: true })
    }
    if (this.#ahead > 0 && this.#missed.length > 0) return
    if (this.#missed.length > 0 && !this.isStopped) {
      // They came back as they failed.
      this.#queue.unshift(...this.#missed.sort((a, b) => a.push.core.seq - b.push.core.seq))
      this.#missed = []
      this.#dropLost()
      this.#running = true
      return this.#run()
    }
    if (this.#queue.length > 0) this.look()
  }

  async #run(): Promise<void> {
    for (let attempt = 1; this.#queue.length > 0 && !this.#stop.signal.aborted; ) {
      this.#dropLost()
      const window = this.#window()
      const [first] = window
      if (first === undefined) break
      const rank = this.#parts.rank(first)
      if (rank > 0 && !(await this.#myTurn(rank))) continue
      const before = this.#fresh
      let failure: Failure | undefined
      try {
        failure = await this.#deliver(window)
      } catch (error) {
        failure = Failure.from(error)
      }
      if (failure === undefined || this.#fresh !== before) {
        attempt = 1
        continue
      }
      const [head] = this.#queue
      if (head !== undefined && failure.code !== 'unknown-process') this.#parts.trouble(head.push, failure)
      const { signal } = this.#stop
      await this.#parts.clock.sleep(backOffMs(attempt, this.#parts.random()), { signal }).catch(() => undefined)
      attempt += 1
    }
    this.#running = false
    if (this.#queue.length > 0) this.look()
  }

  /** The head of the line, as far as what it comes from is durable. */
  #window(): Push[] {
    const window: Push[] = []
    for (const entry of this.#queue) {
      if (window.length >= WINDOW || !isDurable(entry)) break
      window.push(entry.push)
    }
    return window
  }

  #dropLost(): void {
    if (this.#queue.some(isLost)) this.#queue = this.#queue.filter(entry => !isLost(entry))
  }

  /** Whether the head of the line is for this node to carry because the `rank` before it did not. */
  async #myTurn(rank: number): Promise<boolean> {
    const head = this.#queue[0]?.push
    if (head === undefined) return true
    const { clock, expectedSeq, trouble } = this.#parts
    const waitMs = rank * (clock.now() < this.#absentUntilMs ? TAKE_OVER_SOON_MS : TAKE_OVER_MS)
    await clock.sleep(waitMs, { signal: this.#stop.signal }).catch(() => undefined)
    if (this.#stop.signal.aborted) return false
    const expected = await expectedSeq(head).catch(error => trouble(head, Failure.from(error)))
    let next = this.#queue[0]?.push
    for (; expected !== undefined && next !== undefined && next.core.seq < expected; next = this.#queue[0]?.push)
      this.#done(next)
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
    const answers = await scheduler.schedule(
      this.#vouched(scheduler, window) ?? (await provenRequests(this.#parts.computer, window)),
    )
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
    const earlier = (await this.#parts.sentFrom(from, to, expectedSeq)).filter(push => push.core.seq < seq)
    for (const push of earlier) this.#broughtBack.add(push)
    this.#queue.unshift(...earlier.map(push => ({ push, after: undefined })))
    return earlier.length > 0 && !isAgain
      ? undefined
      : new Failure('busy', { expectedSeq }, { note: 'an earlier push is missing' })
  }

  /** The window without proofs; nothing, if one of its pushes needs one. */
  #vouched(scheduler: Pick<Scheduler, 'schedule'>, window: readonly Push[]): ScheduleRequest[] | undefined {
    if (!window.every(push => this.#parts.vouches(scheduler, push))) return undefined
    return window.map(push => vouchedRequest(push))
  }

  #done(push: Push): void {
    this.#queue.shift()
    this.#delivered(push)
  }

  #delivered(push: Push): void {
    if (this.#broughtBack.delete(push)) return
    this.#fresh += 1
    this.#parts.delivered(push)
  }
}

/** What it comes from did not become durable: it is not asked for any more. */
const isLost = ({ after }: Entry): boolean => after?.state === 'failed'

const isDurable = ({ after }: Entry): boolean => after === undefined || after.state === 'durable'
