import {
  CO_SIGN_CALL_MS,
  CO_SIGN_ROUTE_MS,
  CO_SIGN_WAIT_MS,
  type Clock,
  type CoSigners,
  encodeEnvelope,
  type FailureCode,
  Failure,
  type KeyId,
  leaderOf,
  type Peers,
  type ProcessId,
  type ScheduleAnswer,
  type ScheduleRequest,
  TAKE_OVER_STEP_MS,
  UNSETTLED_MAX_MS,
} from '../../protocol/index.ts'
import type { SettledFeed } from '../lanes/settled-feed.ts'
import { answerSettled, untilSettled } from './leader-claims.ts'
import type { Proposer } from './proposer.ts'
import type { Seat } from '../lanes/outcome.ts'
import type { Voter } from './voter.ts'

export interface CourseParts {
  readonly key: KeyId
  readonly clock: Clock
  readonly peers: CoSigners & Pick<Peers, 'schedule'>
  readonly voter: Voter
  readonly proposer: Proposer
  /** What the settled feed shows here. */
  readonly settled: Pick<SettledFeed, 'answerFor' | 'expectedSeq'>
  /** Seats a request in the lane of this node, which leads. */
  seatHere(request: ScheduleRequest): Promise<Seat>
}

interface Entry {
  readonly order: number
  readonly untilMs: number
  readonly request: ScheduleRequest
  readonly resolve: (answer: ScheduleAnswer) => void
}

/** Requests that are carried to the leader at once, in order. */
const BATCH_MAX = 256
/** Those say nothing about the message: it may have its slot, or get it from the next who leads. */
const NOT_THE_LAST_WORD: readonly FailureCode[] = ['no-quorum', 'unreachable', 'timeout', 'shutting-down', 'aborted']
const SETTLE_ATTEMPTS_MAX = 20
const TICK_PATIENCE_MS = 2_000

/** The way of messages to whoever leads the schedulers of one process: this node, or another; or this node takes over. */
export class Course {
  readonly #parts: CourseParts
  #queue: Entry[] = []
  #order = 0
  #spawn: Uint8Array | undefined
  #running = false
  #settling = false
  /** Told when this node takes the lead. */
  readonly #onLead = new Set<() => void>()
  #closed = false
  readonly #stop = new AbortController()

  constructor(parts: CourseParts) {
    this.#parts = parts
  }

  get voter(): Voter {
    return this.#parts.voter
  }

  get proposer(): Proposer {
    return this.#parts.proposer
  }

  /** The encoded envelope of slot 0, if it was handed in here and has not settled. */
  get spawnEnvelope(): Uint8Array | undefined {
    return this.voter.length === 0 ? this.#spawn : undefined
  }

  get idle(): boolean {
    return !this.#running && !this.#settling && this.#queue.length === 0
  }

  /** Has a message scheduled by whoever leads; in the order of these calls. */
  route(request: ScheduleRequest): Promise<ScheduleAnswer> {
    const { promise, resolve } = Promise.withResolvers<ScheduleAnswer>()
    // Whoever has not seen it yet learns from it who schedules the process.
    if (this.voter.length === 0) this.#spawn ??= encodeEnvelope(request.envelope)
    this.#enter({ order: this.#order++, untilMs: this.#parts.clock.elapsed() + CO_SIGN_ROUTE_MS, request, resolve })
    return promise
  }

  /** Something was accepted: should it not settle by itself, this node sees to it. */
  settleSoon(): void {
    if (this.#settling || this.#closed) return
    this.#settling = true
    void this.#settle().finally(() => {
      this.#settling = false
    })
  }

  /** Takes over from the other schedulers what they have settled, from whoever has most. */
  async catchUp(): Promise<void> {
    const { voter } = this.#parts
    const others = voter.feed.signers.filter(key => key !== this.#parts.key)
    const answers = await Promise.all(others.map(key => this.#askAfter(key)))
    if (answers.every(Boolean)) voter.remembersAll()
  }

  /** The seq which the next push of a sender must have, as the settled feed shows it. */
  expectedSeq(from: ProcessId): Promise<number> {
    return this.#parts.settled.expectedSeq(from)
  }

  /** A timer is due: resolves when this node is to give it its tick, with false once somebody else went on. */
  async ticks(): Promise<boolean> {
    const { voter, proposer, clock } = this.#parts
    const { length } = voter
    for (let pauseMs = TICK_PATIENCE_MS; !proposer.leads; pauseMs = Math.min(60_000, pauseMs * 2)) {
      await clock.sleep(pauseMs, { signal: this.#stop.signal, for: 'wait' })
      if (voter.length > length) return false
      if (!proposer.leads && !(await this.#askAfter(this.#leader))) await this.#takeOver(this.#view)
    }
    return true
  }

  close(): void {
    this.#closed = true
    this.#stop.abort()
    this.#parts.proposer.close()
    const failure = new Failure('shutting-down')
    for (const { resolve } of this.#queue.splice(0)) resolve({ status: 'failed', failure })
  }

  /** The latest view that is known here. */
  get #view(): number {
    return Math.max(this.#parts.voter.view, this.#parts.proposer.heardOf)
  }

  get #leader(): KeyId {
    return leaderOf(this.#parts.voter.feed, this.#view) ?? this.#parts.key
  }

  #enter(entry: Entry): void {
    if (this.#closed) return entry.resolve({ status: 'failed', failure: new Failure('shutting-down') })
    this.#queue.push(entry)
    if (this.#running) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    // All that one caller hands in goes together.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#closed) {
      const batch = this.#queue.sort((a, b) => a.order - b.order).splice(0, BATCH_MAX)
      await this.#carry(batch).catch(error => {
        for (const entry of batch) this.#back(entry, { status: 'failed', failure: Failure.from(error) })
      })
    }
    this.#running = false
  }

  async #carry(batch: readonly Entry[]): Promise<void> {
    const { proposer, key } = this.#parts
    const [view, leader] = [this.#view, this.#leader]
    if (proposer.leads || (leader === key && (await this.#lead(view)))) {
      for (const entry of batch) {
        const { answer } = await this.#parts.seatHere(entry.request)
        void Promise.resolve(answer).then(given => this.#back(entry, given))
      }
      return
    }
    const failed = leader === key ? batch : await this.#forward(leader, batch)
    if (failed.length > 0 && !this.#closed) await this.#takeOver(view)
    const failure = new Failure('no-quorum', { process: this.#parts.voter.process.id })
    for (const entry of failed) this.#back(entry, { status: 'failed', failure })
  }

  /** Hands a batch to the leader; gives those of which it could not say what became of them, or said what is not so. */
  async #forward(leader: KeyId, all: readonly Entry[]): Promise<readonly Entry[]> {
    const { settled, clock } = this.#parts
    const batch = await answerSettled(settled, all)
    if (batch.length === 0) return []
    const requests = batch.map(({ request }) => request)
    const timeoutMs = CO_SIGN_WAIT_MS + CO_SIGN_CALL_MS
    const answering = this.#parts.peers.schedule(leader, requests, { timeoutMs }).catch(() => [])
    const answers = await this.#unlessItLeads(answering, timeoutMs)
    const claimed: Entry[] = []
    const early: Entry[] = []
    const failed: Entry[] = []
    for (const [i, entry] of batch.entries()) {
      const answer = answers[i]
      if (answer === undefined || !isLastWord(answer)) failed.push(entry)
      else if (answer.status === 'failed') entry.resolve(answer)
      else if (answer.status === 'gap') early.push(entry)
      else claimed.push(entry)
    }
    const claims = { settled, clock, signal: this.#stop.signal, catchUp: () => this.#askAfter(leader) }
    return [...failed, ...(await answerSettled(settled, early, true)), ...(await untilSettled(claims, claimed))]
  }

  /**
   * Answers from elsewhere, or none once this node leads itself: those who were asked may be waiting for it by now, and
   * what they schedule all the same is a repetition.
   */
  #unlessItLeads(answering: Promise<readonly ScheduleAnswer[]>, timeoutMs: number): Promise<readonly ScheduleAnswer[]> {
    const { promise, resolve } = Promise.withResolvers<readonly ScheduleAnswer[]>()
    const ended = new AbortController()
    const end = (answers: readonly ScheduleAnswer[]): void => {
      ended.abort()
      this.#onLead.delete(none)
      resolve(answers)
    }
    const none = (): void => end([])
    this.#onLead.add(none)
    answering.then(end, none)
    this.#parts.clock.sleep(timeoutMs, { signal: ended.signal }).then(none, () => undefined)
    return promise
  }

  /** An answer of our own lane, or a failure on the way: it is said, or tried again. */
  #back(entry: Entry, answer: ScheduleAnswer): void {
    if (isLastWord(answer) || this.#parts.clock.elapsed() >= entry.untilMs) entry.resolve(answer)
    else this.#enter(entry)
  }

  async #lead(view: number): Promise<boolean> {
    const leads = await this.#parts.proposer.takeOver(view).catch(() => false)
    if (leads) for (const tell of [...this.#onLead]) tell()
    return leads
  }

  /** Takes over from whoever led `view`, when it is this node's turn and nobody did it before. */
  async #takeOver(view: number): Promise<void> {
    const { voter, clock } = this.#parts
    const { length } = voter.feed.signers
    const rank = (voter.place - (view % length) + length) % length
    const { signal } = this.#stop
    const pause = (ms: number): Promise<void> => clock.sleep(ms, { signal }).catch(() => undefined)
    if (rank > 1) await pause((rank - 1) * TAKE_OVER_STEP_MS)
    if (this.#view !== view || this.#closed) return
    if (!(await this.#lead(view)) && !this.#closed) await pause(TAKE_OVER_STEP_MS)
  }

  /** Whether a scheduler answers; what it has settled is taken over. */
  async #askAfter(key: KeyId): Promise<boolean> {
    const { voter, peers } = this.#parts
    const { id: process, epoch } = voter.process
    try {
      const answer = await peers.coSign(key, { kind: 'ask', process, epoch }, { timeoutMs: CO_SIGN_CALL_MS })
      if (answer.kind === 'has' && answer.head !== undefined) await voter.catchUp(key, answer.head)
      return true
    } catch {
      return false
    }
  }

  async #settle(): Promise<void> {
    const { voter, proposer, key, clock } = this.#parts
    const { signal } = this.#stop
    for (let attempt = 1; attempt <= SETTLE_ATTEMPTS_MAX; attempt++) {
      const before = voter.unsettled
      await clock.sleep(UNSETTLED_MAX_MS, { signal }).catch(() => undefined)
      if (voter.unsettled === undefined || this.#closed) return
      // Something else was accepted meanwhile: they are at work.
      if (voter.unsettled !== before || proposer.leads) continue
      const [view, leader] = [this.#view, this.#leader]
      if (leader === key || !(await this.#askAfter(leader)) || attempt > 2) await this.#takeOver(view)
    }
  }
}

function isLastWord(answer: ScheduleAnswer): boolean {
  return answer.status !== 'failed' || !NOT_THE_LAST_WORD.includes(answer.failure.code)
}
