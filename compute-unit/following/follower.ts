import {
  Failure,
  type FeedSpec,
  messagesFeed,
  type ProcessDescription,
  readFrameHead,
  resultsFeed,
  type Slot,
  slotCount,
  type Timer,
  decodeCertificate,
} from '../../protocol/index.ts'
import { CertificateFeed, type Certified, certify } from '../kept/certificate-feed.ts'
import { type Asked, Course } from '../hosts/course.ts'
import type { FrameOutcome } from '../evaluation/index.ts'
import { Faults } from '../hosts/faults.ts'
import type { FollowerParts } from './follower-parts.ts'
import { FrameResults } from '../kept/frame-results.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import { type KnownFrame, KnownFrames } from './known-frames.ts'
import { type OpenedProcess, openProcess } from '../hosts/open-process.ts'
import type { HostAnswer, HostRequest } from '../hosts/host-words.ts'
import { OwnPast } from './own-past.ts'
import { SinceCheckpoint } from '../kept/since-checkpoint.ts'
import { SlotWaiters } from './slot-waiters.ts'
import { ToldProgress } from './told-progress.ts'
import { isTooLong, tooLong } from '../hosts/too-long.ts'
import { verdictsOn } from './verdicts.ts'

const DONE = Promise.resolve(true)
const ignore = (): void => undefined
/** What a loaded process costs its host besides chunks and cells: trees, maps, its description. Measured. */
const LOADED_OVERHEAD_BYTES = 8 * 1024

/**
 * Follows the feed of one process: evaluates what is new, in order, and certifies it.
 *
 * 1. Exactly one certificate for each frame, at the same index; made again after a crash, it is the same bytes.
 * 2. The state in the host is that after `#evaluated` slots, or there is none, or somebody is just opening it.
 * 3. A frame may be evaluated while it is on its way to the disk; nothing of it shows before it is there. What it says to others is
 *    told at once, in order of frames, with the commitment that whatever comes of it has to be built on.
 * 4. A host fault is no result: the state is opened again from a checkpoint and the frame repeated.
 */
export class Follower {
  readonly process: ProcessDescription
  readonly #parts: FollowerParts
  #seat: HostSeat
  readonly #feed: FeedSpec
  readonly #resultsFeed: FeedSpec
  readonly #frames = new KnownFrames()
  /** Whether the newest frame that was evaluated early is durable. */
  #newestDone: Promise<boolean> = DONE
  readonly #waiting = new SlotWaiters()
  #nextBlock = 0
  /** Blocks of which it was told what they ask to be sent. */
  #told = 0
  /** What is with the host now. */
  #course: Course | undefined
  #evaluated: Slot = 0
  /** Blocks that the state in the host is after. */
  #replayedBlocks = 0
  /** Slots of these. */
  #replayed: Slot = 0
  readonly #toldProgress = new ToldProgress()
  #scheduled: Slot = 0
  #openGeneration = 0
  #opening: Promise<void> | undefined
  #running: Promise<void> | undefined
  #pause: AbortController | undefined
  #pausing = 0
  readonly #faults: Faults
  readonly #certificates: CertificateFeed
  readonly #past: OwnPast
  #stopped: Failure | undefined
  /** Blocks that the feed had when this follower was opened. */
  #history = 0
  /** Timers that a replay came upon. */
  #untold: readonly Timer[] | undefined
  readonly #sinceCheckpoint: SinceCheckpoint
  #holders = 0
  /** What it costs its host, roughly; 0 if it is not there. */
  sizeBytes = 0
  usedMs = 0

  private constructor(process: ProcessDescription, parts: FollowerParts) {
    this.process = process
    this.#parts = parts
    this.#seat = parts.seat
    this.#faults = new Faults(process.id)
    this.#sinceCheckpoint = new SinceCheckpoint(parts.trusted)
    this.#feed = messagesFeed(process)
    this.#resultsFeed = resultsFeed(process, parts.key)
    const { log, trusted } = parts
    this.#past = new OwnPast({ log, trusted, feed: this.#resultsFeed, end: () => this.#nextBlock })
    this.#certificates = new CertificateFeed({
      log: parts.log,
      feed: this.#resultsFeed,
      sleep: parts.sleep,
      trouble: failure => parts.trouble(process, failure),
      stop: failure => {
        this.stop(failure)
        parts.trouble(process, failure)
      },
    })
  }

  /** Looks how far the feed and the certificates have come; evaluates nothing yet. */
  static async open(process: ProcessDescription, parts: FollowerParts): Promise<Follower> {
    const follower = new Follower(process, parts)
    follower.#frames.blocks = await parts.log.length(follower.#feed)
    follower.#history = follower.#frames.blocks
    follower.#scheduled = await slotCount(parts.log, follower.#feed)
    const certified = Math.min(await parts.log.length(follower.#resultsFeed), follower.#frames.blocks)
    const last = certified === 0 ? undefined : await parts.log.block(follower.#resultsFeed, certified - 1)
    if (last !== undefined) {
      const { firstSlot, count } = decodeCertificate(last)
      follower.#evaluated = firstSlot + count
      follower.#nextBlock = certified
    }
    follower.usedMs = parts.elapsed()
    return follower
  }

  /** Slots evaluated and certified. */
  get evaluated(): Slot {
    return this.#evaluated
  }

  /** Slots in the feed. */
  get scheduled(): Slot {
    return this.#scheduled
  }

  /** See `FollowerParts.trusted`. */
  get trusted(): boolean {
    return this.#parts.trusted
  }

  get nextBlock(): number {
    return this.#nextBlock
  }

  /** Nothing is under way, nobody waits, no call is in the middle of using it, and another would find its certificates on the disk. */
  get idle(): boolean {
    return this.#running === undefined && this.#waiting.isEmpty && this.#holders === 0 && this.#certificates.isWritten
  }

  /** For a call that uses it over several turns of the loop: two followers of one process must never be at work. */
  hold(): Disposable {
    this.#holders += 1
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1
      },
    }
  }

  get inHost(): boolean {
    return this.#openGeneration !== 0 && this.#openGeneration === this.#seat.generation
  }

  /** Takes a frame that is on its way to the disk: evaluating it may begin. */
  expect(frame: KnownFrame): void {
    if (!this.trusted) return
    // What sleeps wakes while its message is on its way to the disk.
    if (!this.inHost) return this.#wake()
    if (!this.#frames.expect(frame)) return
    this.start()
    // The host need not wait until something before it is durable.
    this.#course?.askAtHand()
  }

  /** Opens the process for what is about to come; nobody waits for it, and who evaluates hears what goes wrong. */
  #wake(): void {
    const isBusy = this.#running !== undefined || this.#pausing > 0 || this.#stopped !== undefined
    // Of a process that is just made nothing is there to be opened.
    if (isBusy || this.#frames.blocks === 0) return
    this.usedMs = this.#parts.elapsed()
    const held = this.hold()
    this.#openOnce()
      .catch(ignore)
      .finally(() => held[Symbol.dispose]())
  }

  /** Takes a frame that became durable. */
  accept(frame: KnownFrame): void {
    if (this.notice(frame)) this.start()
  }
  /** The same, to be evaluated once somebody asks for it; false if it is already. */
  notice(frame: KnownFrame): boolean {
    if (frame.index < this.#nextBlock) return false
    if (this.#frames.accept(frame)) this.#course?.end()
    const { firstSlot, count } = readFrameHead(frame.bytes)
    this.#scheduled = Math.max(this.#scheduled, firstSlot + count)
    return true
  }

  /** Evaluates what stands in the feed. */
  start(): void {
    this.usedMs = this.#parts.elapsed()
    this.#running ??= this.#run()
  }

  /** Resolves when slot `slot` is evaluated. @throws what stops this follower; of a feed that has none yet, `timeout` */
  reached(slot: Slot): Promise<void> {
    this.usedMs = this.#parts.elapsed()
    if (slot < 0) return Promise.reject(new Failure('timeout', { process: this.process.id, slot: 0 }))
    if (slot < this.#evaluated) return Promise.resolve()
    const failed = this.#stopped ?? this.#faults.standing
    if (failed !== undefined) return Promise.reject(failed)
    const reached = this.#waiting.until(slot)
    if (slot < this.#scheduled) this.start()
    return reached
  }

  /** Has the process open in its host, with all of the feed evaluated, and gives its host. */
  async ready(): Promise<HostSeat> {
    using _held = this.hold()
    await this.reached(this.#scheduled - 1)
    while (!this.inHost) {
      await this.#running
      if (!this.inHost) await this.#openOnce()
    }
    return this.#seat
  }

  /** Has all that was certified evaluated again: what the store lost of its results is there then, however much of the feed is left; what takes long is opened elsewhere, in vain at first. */
  async replayed(): Promise<void> {
    using _held = this.hold()
    while (!this.inHost) await this.#openOnce()
  }

  /** Asks the host about the state after all of the feed; nobody reads what is not durable. */
  async read(request: HostRequest): Promise<HostAnswer> {
    using _held = this.hold()
    for (;;) {
      const seat = await this.ready()
      if (!this.inHost) continue
      const done = this.#newestDone
      const answer = await seat.ask(request)
      if (await done) return answer
    }
  }

  /** Writes a checkpoint of the present state, if there is one in the host that is new; what comes without end waits meanwhile. */
  async checkpoint(): Promise<void> {
    using _held = this.hold()
    this.#pausing += 1
    await this.#running?.catch(ignore)
    this.#pausing -= 1
    try {
      if (this.inHost && this.#sinceCheckpoint.slots > 0) await this.#writeCheckpoint()
    } finally {
      if (this.#nextBlock < this.#frames.end && this.#stopped === undefined) this.start()
    }
  }

  /** Writes a checkpoint and takes the process out of its host. */
  async hibernate(): Promise<void> {
    await this.checkpoint()
    // Something may have come while the checkpoint was written.
    if (!this.inHost || !this.idle) return
    this.#openGeneration = 0
    this.sizeBytes = 0
    // Tens of thousands hibernate: they hold what they must.
    this.#frames.clear()
    await this.#seat.ask({ kind: 'close', process: this.process.id }).catch(ignore)
  }

  /** Ends after what the host has been asked already: whoever waits is told. */
  stop(failure: Failure): void {
    this.#stopped ??= failure
    this.#pause?.abort()
    this.#certificates.end()
    this.#waiting.fail(failure)
  }

  /** Ends, and takes the process out of its host without a checkpoint: its state may be one that is not. */
  async leave(failure: Failure): Promise<void> {
    this.stop(failure)
    await this.#running
    await this.#opening?.catch(ignore)
    this.#openGeneration = 0
    this.sizeBytes = 0
    await this.#seat.ask({ kind: 'close', process: this.process.id }).catch(ignore)
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    while (this.#nextBlock < this.#frames.end && this.#stopped === undefined && this.#pausing === 0) {
      try {
        while (!this.inHost) await this.#openOnce()
        await this.#certificates.room()
        await this.#evaluateFrom(this.#nextBlock, () => this.#frames.end)
        if (this.#frames.isCut && this.#nextBlock >= this.#frames.end)
          this.#scheduled = this.#waiting.end(this.process.id, this.#evaluated)
        if (this.#checkpointDue()) await this.#writeCheckpoint()
        this.#tellPresent()
        this.#faults.clear()
      } catch (error) {
        await this.#recover(Failure.from(error))
      }
    }
    this.#running = undefined
  }

  async #recover(failure: Failure): Promise<void> {
    this.#openGeneration = 0
    if (isTooLong(failure)) return this.#faults.orSlow(failure, this.#parts.elapsed())
    const pauseMs = this.#faults.add(failure, this.#nextBlock, this.#evaluated)
    if (Failure.is(failure, 'shutting-down')) this.stop(failure)
    if (failure.code === 'feed-frozen' || failure.code === 'internal') this.stop(failure)
    const { standing } = this.#faults
    this.#parts.trouble(this.process, standing ?? failure)
    if (standing !== undefined) this.#waiting.fail(standing)
    if (this.#stopped === undefined && pauseMs > 0) await this.#rest(pauseMs)
  }

  /** Waits, but not for the sake of one that is stopped. */
  async #rest(ms: number): Promise<void> {
    this.#pause = new AbortController()
    await this.#parts.sleep(ms, this.#pause.signal).catch(ignore)
    this.#pause = undefined
  }

  /** Two who find the process closed must not open it over each other. It may be closed still: what is slow is opened elsewhere. */
  #openOnce(): Promise<void> {
    this.#opening ??= this.#open()
      .catch(error => this.#faults.orSlow(error, this.#parts.elapsed()))
      .finally(() => {
        this.#opening = undefined
      })
    return this.#opening
  }

  async #open(): Promise<void> {
    this.#seat = this.#faults.placeIn(this.#parts, this.#parts.elapsed())
    const upTo = { results: this.#resultsFeed, evaluated: this.#evaluated, blocks: this.#nextBlock }
    await this.#past.replay(async () => this.#replay(await openProcess(this.#parts, this.process, this.#seat, upTo)))
  }

  /**
   * Evaluates again what was certified already, so that the host's state stands where the certificates do. Checkpoints are written on
   * the way: who is killed before it is through with it goes on where it was, and does not begin with ever more.
   */
  async #replay({ blocks, sizeBytes, generation }: OpenedProcess): Promise<void> {
    const end = this.#nextBlock
    this.sizeBytes = LOADED_OVERHEAD_BYTES + sizeBytes
    this.#sinceCheckpoint.reset(this.#parts.elapsed())
    this.#replayedBlocks = blocks
    for (let next = blocks; next < end; next = this.#replayedBlocks) {
      await this.#evaluateFrom(next, () => end)
      if (this.#stopped !== undefined) throw this.#stopped
      if (this.#replayedBlocks === next) throw new Failure('host-fault', { answer: 'nothing' })
      if (this.#checkpointDue()) await this.#writeCheckpoint()
    }
    this.#openGeneration = generation
    this.#tellPresent()
  }

  /** Has the host evaluate frames from `from` up to `end()`, which may grow meanwhile, and certifies the answers in order. */
  async #evaluateFrom(from: number, end: () => number): Promise<void> {
    this.#told = this.#nextBlock
    const course = this.#courseFrom(from, end)
    this.#course = course
    try {
      for (let asked = await course.oldest(); asked !== undefined; asked = await course.oldest()) {
        const answered = await asked.answer
        if (answered.kind === 'too-long') throw tooLong(this.process.id)
        if (answered.kind !== 'evaluated') throw new Failure('host-fault', { answer: answered.kind })
        const { index, bytes, underWay } = asked.frame
        if (underWay !== undefined && !(await underWay.done)) return this.#forgetEarly()
        this.sizeBytes = LOADED_OVERHEAD_BYTES + answered.sizeBytes
        const certified = certify(this.process.id, bytes, answered.outcome)
        if (this.#past.covers(index)) await this.#past.expect(index, certified.certificateBytes)
        this.#certify(asked, answered.outcome, certified)
        if (this.#toldProgress.isDue(this.#replayed < this.#scheduled, this.#parts))
          this.#parts.progress(this.process, this.#replayed, this.#scheduled)
      }
    } finally {
      course.end()
      this.#course = undefined
    }
  }

  #courseFrom(from: number, end: () => number): Course {
    const [process, frames, seat] = [this.process, this.#frames, this.#seat]
    const { log, senders } = this.#parts
    return new Course(from, {
      process,
      log,
      frames,
      seat,
      impatient: seat === this.#parts.seat,
      trusted: this.trusted,
      end,
      mayAsk: () => !this.#checkpointDue() && this.#stopped === undefined && !(this.#pausing > 0 && this.inHost),
      stored: async index => this.#frames.stored(index, await log.block(this.#feed, index)),
      verdicts: ({ index, bytes }) =>
        verdictsOn(process, index, bytes, this.trusted || this.#past.covers(index), senders),
      asked: ({ underWay }) => {
        if (underWay !== undefined) this.#newestDone = underWay.done
      },
      early: (asked, outcome) => this.#evaluatedEarly(asked, outcome),
    })
  }

  /** Tells what a frame asks to be sent, if the journal was given it, and everything before it was told. */
  #evaluatedEarly(asked: Asked, outcome: FrameOutcome): void {
    const { index, underWay } = asked.frame
    if (index === this.#told && underWay?.commitment.isInLine === true) {
      this.#told += 1
      const results = new FrameResults(outcome.firstSlot, outcome.resultsBytes)
      asked.told = { results, sending: this.#parts.early(this.process, results, outcome, underWay.commitment) }
    }
    underWay?.evaluated()
  }

  /** The host has evaluated what never became durable: its state is of no use. */
  #forgetEarly(): void {
    this.#frames.forgetEarly()
    this.#openGeneration = 0
    this.#newestDone = DONE
  }

  #checkpointDue(): boolean {
    return this.#sinceCheckpoint.isDue(this.#parts.elapsed())
  }

  #certify({ frame, told }: Asked, outcome: FrameOutcome, { certificate, certificateBytes }: Certified): void {
    const { firstSlot, count, gas } = outcome
    const results = told?.results ?? new FrameResults(firstSlot, outcome.resultsBytes)
    this.#parts.results.write(this.process.id, results)
    this.#sinceCheckpoint.add(count, gas)
    this.#replayed = firstSlot + count
    this.#replayedBlocks = frame.index + 1
    if (outcome.timers !== undefined)
      this.#tell(outcome.timers, frame.index < Math.max(this.#nextBlock, this.#history - 1))
    if (outcome.lifecycle !== undefined) this.#parts.lifecycle(this.process, outcome.lifecycle)
    // They are told first: after a crash they are looked up only for what has no certificate yet.
    if (!this.#past.covers(frame.index)) this.#certificates.add(frame.index, certificateBytes)
    if (frame.index < this.#nextBlock) return
    this.#nextBlock = frame.index + 1
    this.#told = Math.max(this.#told, this.#nextBlock)
    this.#evaluated = firstSlot + count
    this.#scheduled = Math.max(this.#scheduled, this.#evaluated)
    this.#frames.delete(frame.index)
    this.#parts.evaluated({
      process: this.process,
      index: frame.index,
      outcome,
      results,
      sending: told?.sending,
      certificate,
      certificateBytes,
    })
    this.#waiting.wake(this.#evaluated)
  }

  /** Timers of the past would ring at once, in vain: they are told only once they are those of the present. */
  #tell(timers: readonly Timer[], isPast: boolean): void {
    this.#untold = isPast ? timers : undefined
    if (!isPast) this.#parts.timers(this.process, timers)
  }

  #tellPresent(): void {
    if (this.#untold !== undefined && this.#nextBlock >= this.#history) this.#tell(this.#untold, false)
  }

  async #writeCheckpoint(): Promise<void> {
    const blocks = this.#replayedBlocks
    const beganMs = this.#parts.elapsed()
    const answer = await this.#seat.ask({ kind: 'delta', process: this.process.id })
    if (answer.kind !== 'delta') throw new Failure('host-fault', { answer: answer.kind })
    this.#sinceCheckpoint.reset(beganMs)
    await this.#parts.checkpoints.write(this.process.id, blocks, answer.delta)
    this.#sinceCheckpoint.wrote(this.#parts.elapsed() - beganMs)
  }
}
