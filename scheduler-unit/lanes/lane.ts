import {
  decodeFrame,
  encodeEnvelope,
  type Envelope,
  envelopeSizeBytes,
  Failure,
  type FeedSpec,
  type MessageId,
  messagesFeed,
  type ProcessDescription,
  type ScheduleAnswer,
  type Slot,
} from '../../protocol/index.ts'
import { framesOf } from './frames-of.ts'
import { Flight, Flights } from './flights.ts'
import type { LaneParts } from './lane-parts.ts'
import { failedAnswer, Outcome } from './outcome.ts'
import { type Enqueued, isToldById, type Pending } from './pending.ts'
import { Queue } from './queue.ts'
import type { Seated } from './recent-receipts.ts'
import { Senders } from './senders.ts'

/** Messages of one process that are worth a commit, though more are about to come. */
const GATHERED_MAX = 128

/**
 * The writing end of one process's feed. While one commit is under way, what arrives joins the next frame. That follows at once
 * if it holds a push from a frame that is under way itself, and nobody has anything of this process to evaluate.
 *
 * 1. Slots are given in the order of `enqueue`, without gaps, by nobody else.
 * 2. A receipt exists only for what is durable; if a commit fails the lane is broken and must be opened anew.
 * 3. Timestamps never decrease.
 * 4. What waits for its slot is never forgotten: a repetition must find it.
 * 5. A commit builds on the one before it, and on the frames that its pushes came from: it becomes durable with or after them.
 */
export class Lane {
  readonly feed: FeedSpec
  readonly #parts: LaneParts
  readonly senders: Senders
  /** Those of what waits that are told by their id. */
  readonly #waiting = new Map<MessageId, Pending>()
  readonly #queue = new Queue()
  readonly #flights: Flights
  /** Whether the next commit begins in this turn of the loop. */
  #isCutting = false
  /** Blocks of the feed, those under way among them, and which of them are durable. */
  #blocks: number
  #durableBlocks: number
  #nextSlot: Slot
  #lastMs: number
  /** Whether somebody wants what waits to be committed; else it may gather more. */
  #isDue = false
  #drained: (() => void)[] = []
  #broken: Failure | undefined
  #newest: Outcome | undefined
  #holders = 0

  private constructor(parts: LaneParts, place: { blocks: number; nextSlot: Slot; lastMs: number }) {
    this.#parts = parts
    this.#flights = new Flights(parts.flightsMax)
    this.feed = messagesFeed(parts.process)
    this.senders = new Senders(parts.process.id, parts.log.store, parts.process.epoch)
    this.#blocks = place.blocks
    this.#durableBlocks = place.blocks
    this.#nextSlot = place.nextSlot
    this.#lastMs = place.lastMs
  }

  /** Reads where the feed ends, and repairs the index of senders from frames it has not seen. */
  static async open(parts: LaneParts): Promise<Lane> {
    const feed = messagesFeed(parts.process)
    const blocks = await parts.log.length(feed)
    const last = blocks === 0 ? undefined : await parts.log.block(feed, blocks - 1)
    if (last === undefined) return new Lane(parts, { blocks: 0, nextSlot: 0, lastMs: 0 })
    const frame = decodeFrame(last)
    const nextSlot = frame.firstSlot + frame.assignments.length
    const lane = new Lane(parts, { blocks, nextSlot, lastMs: frame.assignments.at(-1)?.timestampMs ?? 0 })
    await lane.senders.repair(parts.log, feed, blocks)
    return lane
  }

  get process(): ProcessDescription {
    return this.#parts.process
  }

  /** Whether other schedulers have a part in what is written here. */
  get isShared(): boolean {
    return this.#parts.commit !== undefined
  }

  /** The slot that the next message gets, if all that waits gets its own. */
  get nextSlot(): Slot {
    return this.#nextSlot + this.#queue.length
  }

  get broken(): boolean {
    return this.#broken !== undefined
  }

  /** Nobody may write here any more: another lane of this process may be opened. What waits fails; only a still lane retires. */
  retire(): void {
    this.senders.storeAll(this.#durableBlocks)
    if (this.#broken === undefined)
      this.#break([], new Failure('busy', { process: this.process.id }, { note: 'its lane was closed' }))
  }

  /** Nothing waits for its slot. */
  get isStill(): boolean {
    return this.#queue.length === 0 && !this.#isCommitting
  }

  get #isCommitting(): boolean {
    return this.#isCutting || !this.#flights.isEmpty
  }

  /** Nothing waits and no call is in the middle of using it: the lane can be forgotten. */
  get idle(): boolean {
    return this.isStill && this.#holders === 0
  }

  /** For a call that looks something up before it enqueues. */
  hold(): Disposable {
    this.#holders += 1
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1
      },
    }
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    this.commit()
    if (this.#isCommitting) await new Promise<void>(resolve => this.#drained.push(resolve))
    this.senders.storeAll(this.#durableBlocks)
  }

  /** Resolves when all that waits now is durable, or has expired: that is told before what it came with is durable. @throws what broke this lane */
  async durable(): Promise<void> {
    this.commit()
    const answer = await this.#newest?.answer
    if (answer?.status !== 'failed') return
    await this.#flights.newest?.done
    if (this.#broken !== undefined) throw this.#broken
  }

  /** A message seen lately, waiting or done. Whoever asks wants its receipt now, whatever else its first sender brings. */
  recent(id: MessageId): Seated | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return this.#parts.recent.get(this.process.id, id)
    this.commit()
    return { envelope: waiting.envelope, answer: waiting.outcome.answer }
  }

  /**
   * Gives the envelope the next slot; its receipt is there once that is durable. `sender` is who sent a push, `window` when its slot may be,
   * `after` what it comes from and is not durable yet.
   * With `gathers`, nothing is committed for its sake until somebody calls `commit`, or much has come.
   * @throws {Failure} `busy`, `moved`, what broke this lane; the answer is `timeout` if its slot came out of its window.
   */
  enqueue(
    id: MessageId,
    envelope: Envelope,
    { sender, window, after, gathers = false, sizeBytes = envelopeSizeBytes(envelope) }: Enqueued = {},
  ): Outcome {
    if (this.#broken !== undefined) throw this.#broken
    this.#parts.expectFree?.()
    if (this.#queue.isFull || (after !== undefined && this.#parts.ahead.isFull)) {
      throw new Failure('busy', { process: this.process.id, waiting: this.#queue.length })
    }
    const outcome = new Outcome()
    const pending: Pending = { id, envelope, sizeBytes, sender, window, after, outcome }
    this.#queue.add(pending)
    if (after !== undefined) this.#parts.ahead.add(sizeBytes)
    this.senders.enqueued(envelope)
    this.#newest = outcome
    if (isToldById(envelope)) this.#waiting.set(id, pending)
    if (!gathers || this.#queue.length >= GATHERED_MAX) this.commit()
    return outcome
  }

  /** Has all that waits committed, now or after the commits that are under way. */
  commit(): void {
    if (this.#queue.length === 0 || this.#broken !== undefined) return
    this.#isDue = true
    this.#cutSoon()
  }

  /** Commits what is due, in the next turn: all that one caller enqueues joins one frame. */
  #cutSoon(): void {
    if (this.#isCutting || !this.#isDue || this.#queue.length === 0 || this.#broken !== undefined) return
    if (!this.#flights.isEmpty && !(this.#queue.hurries && this.#flights.mayBeFollowed)) return
    this.#isCutting = true
    queueMicrotask(() => {
      this.#isCutting = false
      const timestampMs = Math.max(this.#parts.now(), this.#lastMs)
      const batch = this.#queue.takeAll().filter(entry => this.#isInTime(entry, timestampMs))
      this.#isDue = false
      // The seqs of those behind it were given on its account.
      if (batch.some(({ after }) => after?.state === 'failed')) {
        this.#break(
          batch,
          new Failure('busy', { process: this.process.id }, { note: 'what a push came from did not become durable' }),
        )
      } else if (batch.length > 0) this.#commit(batch, timestampMs)
      this.#next()
    })
  }

  /** What waited until it may not stand here any more gets no slot: nobody would take it for good. */
  #isInTime(pending: Pending, timestampMs: number): boolean {
    const { id, window } = pending
    if (window === undefined || (timestampMs >= window.notBeforeMs && timestampMs <= window.notAfterMs)) return true
    this.#waiting.delete(id)
    const failure = new Failure('timeout', { id }, { note: 'it expired before it had its slot' })
    this.#tell(pending, failedAnswer(failure))
    return false
  }

  #commit(batch: readonly Pending[], timestampMs: number): void {
    const frames = framesOf(this.process, { index: this.#blocks, slot: this.#nextSlot }, batch, timestampMs)
    const commitment = this.#flights.commitmentFor(batch)
    const flight = new Flight({ batch, frames, timestampMs, commitment }, () => this.#cutSoon())
    const start = this.#nextSlot
    this.#flights.add(flight)
    this.#blocks += frames.length
    this.#nextSlot += batch.length
    this.#lastMs = timestampMs
    const blocks = frames.map(({ index, bytes, firstSlot, ids }) => ({ feed: this.feed, index, bytes, firstSlot, ids }))
    const { commit, log } = this.#parts
    void this.#settle(flight, start, commit === undefined ? log.commit(blocks, commitment) : commit(blocks))
    // Before slot 0 is durable nobody can know its process.
    if (start > 0) this.#parts.committing?.(frames, flight)
  }

  /** Waits until a commit has come to its end, and tells everybody. */
  async #settle(flight: Flight, start: Slot, durable: Promise<void>): Promise<void> {
    try {
      await durable
      if (start === 0) await this.#addProcess(flight.batch)
    } catch (error) {
      flight.end(false)
      this.#break(flight.batch, error)
      return this.#landed(flight)
    }
    // Who waits for it hears of it after this turn.
    flight.end(true)
    try {
      this.#committed(flight, start)
      this.#parts.committed(flight.frames)
    } catch (error) {
      // Its messages have their slots; who hands them in again hears of that.
      this.#break(flight.batch, error)
    }
    this.#landed(flight)
  }

  #landed(flight: Flight): void {
    this.#flights.remove(flight)
    this.#next()
  }

  #next(): void {
    this.#cutSoon()
    if (this.#isCommitting) return
    for (const wake of this.#drained.splice(0)) wake()
  }

  /** Before anybody hears of slot 0, its process can be looked up. */
  async #addProcess([spawn]: readonly Pending[]): Promise<void> {
    if (spawn !== undefined) await this.#parts.log.directory.addProcess(this.process, encodeEnvelope(spawn.envelope))
  }

  #committed({ batch, frames, timestampMs }: Flight, start: Slot): void {
    this.#durableBlocks += frames.length
    this.senders.durable(batch, this.#durableBlocks)
    if (this.#waiting.size > 0) this.#parts.recent.takeOver(this.#waiting, frames)
    let slot = start
    for (const pending of batch) {
      const receipt = { id: pending.id, process: this.process.id, slot, timestampMs }
      this.#tell(pending, { status: 'scheduled', receipt })
      slot += 1
    }
  }

  #break(batch: readonly Pending[], error: unknown): void {
    this.#broken ??= Failure.from(error)
    for (const entry of [...batch, ...this.#queue.takeAll()]) {
      this.#waiting.delete(entry.id)
      this.#tell(entry, failedAnswer(error))
    }
  }

  /** The first answer stands: what has its slot keeps it, though its lane breaks afterwards. */
  #tell({ after, sizeBytes, outcome }: Pending, answer: ScheduleAnswer): void {
    if (outcome.isSettled) return
    if (after !== undefined) this.#parts.ahead.remove(sizeBytes)
    outcome.settle(answer)
  }
}
