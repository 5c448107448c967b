import {
  asMessageId,
  type Clock,
  type CoSignAnswer,
  type CoSignRequest,
  type Envelope,
  Failure,
  type KeyId,
  type Log,
  type ProcessDescription,
  type ProcessId,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
  type Timer,
} from '../protocol/index.ts'
import { CoSignedProcesses, type Together } from './co-signing/co-signed-processes.ts'
import { Holds } from './holds.ts'
import { Lanes, type LanesParts } from './lanes/lanes.ts'
import { answersOf, failedAnswer } from './lanes/outcome.ts'
import { type ConfirmParts, confirmEpochs } from './confirm-epochs.ts'
import { KnownReceipts } from './seating/known-receipts.ts'
import { Seating } from './seating/seating.ts'
import type { SeatingParts } from './seating/seating-parts.ts'
import { SignerRates } from './seating/signer-rates.ts'
import { Ticking } from './timers/ticking.ts'

export interface SchedulerUnitParts
  extends Pick<LanesParts, 'confirm' | 'committing' | 'committed'>,
    Pick<SeatingParts, 'notary' | 'assignable' | 'isBehind' | 'attests'>,
    ConfirmParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  /** A process that sends, here or elsewhere; those of this node's directory, if not given. */
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  readonly signerRatePerSecond?: number | undefined
  /** Processes whose place in their feed is held in memory; idle ones above it are looked up again. */
  readonly lanesMax?: number | undefined
  /** Receipts that stay at hand. */
  readonly recentReceiptsMax?: number | undefined
  /** Commits of one process that may be under way at the same time. */
  readonly flightsMax?: number | undefined
  /** What it takes to schedule processes together with other nodes; without it this one schedules alone. */
  readonly together?: Together | undefined
}

/** Gives every message of a process its slot: one writer, one feed, no gaps. */
export class SchedulerUnit implements Scheduler, AsyncDisposable {
  readonly #parts: SchedulerUnitParts
  readonly #lanes: Lanes
  readonly #holds: Holds
  readonly #coSigned: CoSignedProcesses | undefined
  readonly #seating: Seating
  readonly #ticking: Ticking
  #closed = false

  private constructor(parts: SchedulerUnitParts) {
    this.#parts = parts
    const { log, clock } = parts
    const describe = async (id: ProcessId) => (await log.directory.process(id)) ?? parts.describe?.(id)
    this.#holds = new Holds(clock)
    this.#coSigned =
      parts.together &&
      new CoSignedProcesses({
        ...parts,
        ...parts.together,
        describe,
        seatHere: request => this.#seating.seatHere(request),
        isHeld: process => this.#holds.has(process),
      })
    this.#lanes = new Lanes({
      ...parts,
      commitOf: async process => this.#coSigned?.commitOf(process),
      expectFree: process => this.#holds.expectFree(process),
    })
    this.#seating = new Seating({
      ...parts,
      lanes: this.#lanes,
      holds: this.#holds,
      rates: new SignerRates(parts.signerRatePerSecond),
      receipts: new KnownReceipts(log, this.#lanes),
      describe: id => describe(id).then(process => expectKnown(process, id)),
      courseOf: async request => this.#coSigned?.courseOf(request),
    })
    this.#ticking = new Ticking({ clock, store: log.store, seat: (process, tick) => this.#seatTick(process, tick) })
  }

  static async open(parts: SchedulerUnitParts): Promise<SchedulerUnit> {
    const unit = new SchedulerUnit(parts)
    await unit.#ticking.resume()
    await unit.#coSigned?.resume()
    return unit
  }

  /** Answers another scheduler of a process that this one has a part in. @throws {Failure} `unknown-process`, `not-scheduler` */
  coSign(from: KeyId, request: CoSignRequest): Promise<CoSignAnswer> {
    if (this.#coSigned === undefined || this.#closed)
      return Promise.reject(new Failure('unknown-process', { process: request.process }))
    return this.#coSigned.answer(from, request)
  }

  /** Takes over from the other schedulers of a process what they have settled. */
  async catchUp(process: ProcessId): Promise<void> {
    await (await this.#coSigned?.known(process))?.catchUp()
  }

  /** Processes whose place in their feed is in memory. */
  get laneCount(): number {
    return this.#lanes.size
  }

  get key(): KeyId {
    return this.#parts.key
  }

  async schedule(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
    if (this.#closed) return requests.map(() => failedAnswer(new Failure('shutting-down')))
    await confirmEpochs(this.#parts, this.#lanes, requests)
    return answersOf(await this.#seating.seatAll(requests))
  }

  /** The seq which the next push from `from` to `to` must have; 0 if there is no such process yet. */
  async expectedSeq(to: ProcessId, from: ProcessId): Promise<number> {
    if ((await this.#parts.log.directory.process(to)) === undefined) return 0
    const course = await this.#coSigned?.known(to)
    if (course !== undefined) return course.expectedSeq(from)
    const lane = await this.#lanes.get(to, undefined)
    using _held = lane.hold()
    if (lane.senders.expected(from) === undefined) await lane.senders.load(from)
    const expected = lane.senders.expected(from) ?? 0
    await lane.durable()
    return expected
  }

  /** Takes nothing more of a process until `untilMs`, or until it is released; resolves when all that was taken has its slot, or false. */
  async hold(process: ProcessId, untilMs: number): Promise<boolean> {
    this.#holds.add(process, untilMs)
    await this.#lanes.close(process)
    return (await this.#coSigned?.isStill(process)) ?? true
  }

  release(process: ProcessId): void {
    this.#holds.release(process)
  }

  /** Whoever schedules it now is another, or begins anew: what is known here of its feed is forgotten. Hold it first. */
  async moved(process: ProcessId): Promise<void> {
    await this.#lanes.close(process)
    await this.#coSigned?.moved(process)
    this.release(process)
  }

  arm(process: ProcessId, timers: readonly Timer[]): void {
    this.#ticking.arm(process, timers)
  }

  monitor(process: ProcessId, on: boolean): void {
    this.#ticking.monitor(process, on)
  }

  /** Gives a tick its slot; of several schedulers the one that leads does. @throws {Failure} */
  async #seatTick(process: ProcessId, tick: Envelope): Promise<void> {
    await confirmEpochs(this.#parts, this.#lanes, [{ process }])
    const course = await this.#coSigned?.known(process)
    const isOurs = course === undefined || (await course.ticks())
    this.#holds.expectFree(process)
    if (!isOurs) return
    const lane = await this.#lanes.get(process, undefined)
    await lane.enqueue(asMessageId(''), tick).seated()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#ticking[Symbol.asyncDispose]()
    await this.#coSigned?.close()
    await this.#lanes[Symbol.asyncDispose]()
  }
}

/** @throws {Failure} `unknown-process` */
function expectKnown(description: ProcessDescription | undefined, process: ProcessId): ProcessDescription {
  if (description === undefined) throw new Failure('unknown-process', { process })
  return description
}
