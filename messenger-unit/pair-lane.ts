import {
  type Commitment,
  Failure,
  type Push,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
} from '../protocol/index.ts'
import { ABSENT_MS, TAKE_OVER_MS, TAKE_OVER_SOON_MS } from './courier.ts'
import { type Entry, isDurable, Line } from './line.ts'
import type { PairLaneParts } from './pair-lane-parts.ts'
import { failureOf, provenRequests, vouchedRequest } from './push-requests.ts'
import { Retries } from './retries.ts'

const isUnreachable = (failure: Failure | undefined): boolean => failure?.code === 'unreachable'

/** Pushes of one pair handed over at once: they are seated in order, so the window costs no order. */
const WINDOW = 64
/** How long a push to somebody unknown is tried: its process may be about to be spawned. */
const UNKNOWN_GRACE_MS = 10_000

/**
 * All that one process sends to one other: in the order in which it was sent.
 *
 * 1. What this node's own scheduler takes at its own unit's word is handed over as it comes, though what was handed over before is not
 *    durable yet, and though what it comes from is not: the scheduler has it durable with that or after it.
 * 2. All else goes window by window, once it is durable; so does what was handed over in vain. Whatever fails is tried again for
 *    ever, later and later, and at once when its receiver's scheduler is linked again; only the head of the line is.
 * 3. What comes from something that did not become durable never was: it is let go.
 * 4. Of very many that wait the first are in memory. What is behind them is read from results when its turn comes.
 * 5. After a restart much of what is left may have arrived: the receiver's scheduler is asked how far it is before anything is proven,
 *    and again once a whole window had arrived. Nothing is proven to one that cannot be reached: it is asked that first, until it can.
 */
export class PairLane {
  readonly #parts: PairLaneParts
  readonly #queue: Line
  /** What is below this seq is with the receiver, by the word of its scheduler. */
  #taken = 0
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
    this.#queue = new Line(parts.lines)
  }

  get idle(): boolean {
    return !this.#running && !this.#isLooking && this.#ahead === 0 && this.#queue.isEmpty
  }

  /** So much waits that what comes from something that is not durable is better given once that is. */
  get isFull(): boolean {
    return this.#queue.isFull
  }

  /** Whether it delivers nothing any more. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  enqueue(push: Push, after?: Commitment): void {
    this.#queue.add({ push, after })
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
    this.#queue.clear()
  }

  #go(): void {
    if (this.#running || this.#missed.length > 0 || this.isStopped) return
    this.#handAhead()
    this.#queue.dropLost()
    const { head } = this.#queue
    if (this.#queue.isEmpty || this.#ahead > 0 || (head !== undefined && !isDurable(head))) return
    this.#running = true
    void this.#run()
  }

  /** Hands over what can be at once. */
  #handAhead(): void {
    const { head } = this.#queue
    const scheduler = head && this.#parts.schedulerAtHand(head.push)
    if (scheduler === undefined) return
    const isFor = ({ push, after, isMissed }: Entry): boolean =>
      !isMissed && after?.isInLine !== false && this.#parts.rank(push) === 0 && this.#parts.vouches(scheduler, push)
    let count = 0
    for (const entry of this.#queue) {
      if (count >= WINDOW - this.#ahead || !isFor(entry)) break
      count += 1
    }
    if (count > 0) void this.#hand(scheduler, this.#queue.take(count))
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
      this.#queue.bringBack(this.#missed)
      this.#missed = []
      this.#queue.dropLost()
      this.#running = true
      return this.#run()
    }
    if (!this.#queue.isEmpty) this.look()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const [head] = this.#queue
    const met = async (wake: () => void) => head && this.#parts.met?.(head.push, wake)
    using retries = new Retries({ clock: this.#parts.clock, signal, random: () => this.#parts.random(), met })
    let failure = await this.#goOn()
    while (!this.#queue.isEmpty && !signal.aborted) {
      this.#queue.dropLost()
      this.#dropTaken()
      const before = this.#fresh
      try {
        await this.#queue.read(this.#parts)
        const [first] = this.#queue.durable(WINDOW)
        if (first === undefined) break
        const rank = this.#parts.rank(first)
        if (rank > 0 && !(await this.#myTurn(rank))) continue
        if (isUnreachable(failure)) failure = await this.#askHowFar(first)
        if (!isUnreachable(failure)) failure = await this.#deliver(this.#queue.durable(WINDOW))
      } catch (error) {
        failure = Failure.from(error)
      }
      this.#queue.comeBack()
      if (failure === undefined || this.#fresh !== before) {
        retries.reset()
        continue
      }
      const { first } = this.#queue
      if (first !== undefined && failure.code !== 'unknown-process') this.#parts.trouble(first, failure)
      await retries.pause()
    }
    this.#running = false
    if (!this.#queue.isEmpty) this.look()
  }

  /** Lets go of what is with the receiver already. */
  #dropTaken(): void {
    for (const { push } of this.#queue.below(this.#taken)) this.#done(push)
  }

  /** Whether the head of the line is for this node to carry because the `rank` before it did not. */
  async #myTurn(rank: number): Promise<boolean> {
    const head = this.#queue.head?.push
    if (head === undefined) return true
    const { clock } = this.#parts
    const waitMs = rank * (clock.elapsed() < this.#absentUntilMs ? TAKE_OVER_SOON_MS : TAKE_OVER_MS)
    await clock.sleep(waitMs, { signal: this.#stop.signal }).catch(() => undefined)
    if (this.#stop.signal.aborted) return false
    if (isUnreachable(await this.#askHowFar(head))) throw new Failure('unreachable', { process: head.core.to })
    if (this.#queue.head?.push !== head) {
      // Whoever comes before this node delivers, again.
      this.#absentUntilMs = 0
      return false
    }
    this.#absentUntilMs = clock.elapsed() + ABSENT_MS
    return true
  }

  /** What an earlier run carried, or left, is found out once: whoever sends for the first time has nothing of that. */
  async #goOn(): Promise<Failure | undefined> {
    const { from, seq } = this.#queue.head?.push.core ?? { seq: 0 }
    if (from === undefined || seq === 0 || this.#taken > 0 || this.#fresh > 0) return undefined
    await this.#parts.reading(from)
    const head = this.#queue.head?.push
    return head && (await this.#askHowFar(head))
  }

  /** Lets go of what the receiver's scheduler has; gives why it did not tell, if it did not. */
  async #askHowFar(head: Push): Promise<Failure | undefined> {
    const told = await this.#parts.expectedSeq(head).catch(error => Failure.from(error))
    if (told instanceof Failure) return told
    this.#taken = told ?? this.#taken
    this.#dropTaken()
    return undefined
  }

  /** Hands over a window; gives what stopped it, if something did. */
  async #deliver(window: readonly Push[]): Promise<Failure | undefined> {
    const [head] = window
    if (head === undefined) return undefined
    this.#queue.setOut(window.length)
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
      this.#taken = Math.max(this.#taken, push.core.seq + 1)
      this.#done(push)
    }
    const next = this.#queue.head?.push
    if (next !== undefined && answers.every(({ status }) => status === 'duplicate')) await this.#askHowFar(next)
    return undefined
  }

  /**
   * Nobody of that name is here: a wallet, or a process that is about to be spawned. After a while these pushes are
   * let go; should such a process appear, the next push of the pair meets a gap and brings them back.
   */
  #setAside(window: readonly Push[]): Failure | undefined {
    const nowMs = this.#parts.clock.elapsed()
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
    const missing = new Failure('busy', { expectedSeq }, { note: 'an earlier push is missing' })
    if (expectedSeq >= seq) return missing
    this.#taken = expectedSeq
    this.#queue.comeBack()
    // What is missing came meanwhile, or comes: after a restart newer ones are here before those that were left.
    const isThere = (): boolean => (this.#queue.head?.push.core.seq ?? 0) <= expectedSeq
    if (!isThere()) await this.#parts.reading(from)
    if (isThere()) return undefined
    const isAgain = this.#broughtBackAt === this.#fresh
    this.#broughtBackAt = this.#fresh
    const earlier = await this.#parts.sentFrom(from, to, expectedSeq, seq)
    // Its process moved meanwhile: what came back to its line would count for ever.
    if (this.isStopped) return missing
    for (const push of earlier) this.#broughtBack.add(push)
    this.#queue.bringBack(earlier.map(push => ({ push, after: undefined, isAgain: true })))
    return earlier.length > 0 && !isAgain ? undefined : missing
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
