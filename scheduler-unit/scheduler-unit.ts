import {
  asMessageId,
  type Clock,
  type CoSignAnswer,
  type CoSignRequest,
  type Commitment,
  type DataItem,
  describeProcess,
  envelopeSizeBytes,
  Failure,
  ITEM_SIZE_MAX_BYTES,
  firstPolicy,
  type Envelope,
  isControl,
  isOfLaterEpoch,
  isSpawn,
  type KeyId,
  type Log,
  type ProcessDescription,
  type ProcessId,
  type Push,
  pushId,
  pushSender,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
  spawnWindow,
  type Timer,
  voucherOf,
} from '../protocol/index.ts'
import { type AssignedParts, seatAssigned } from './assigned.ts'
import { type AdmissionParts, admitItem, admitPush, admitWhole, outlineItem, rejectOf } from './admission.ts'
import { Alarms, type DueTick } from './alarms.ts'
import { CoSignedProcesses, type Together } from './co-signing/co-signed-processes.ts'
import { type ConfirmParts, confirmEpochs } from './confirm-epochs.ts'
import { Gathering } from './gathering.ts'
import { Holds } from './holds.ts'
import { seatIngress, seatIngressNow } from './ingress.ts'
import type { Lane } from './lane.ts'
import type { LaneParts } from './lane-parts.ts'
import { KnownReceipts, sameItem } from './known-receipts.ts'
import { Lanes, type LanesParts } from './lanes.ts'
import { keepMonitored, monitoredProcesses } from './monitored.ts'
import { answersOf, failedAnswer, failedSeat, known, type Seat } from './outcome.ts'
import { SignerRates } from './rate.ts'
import { timerBytes } from './timer-name.ts'

export interface SchedulerUnitParts
  extends Pick<LanesParts, 'confirm' | 'committing' | 'committed'>,
    Pick<AdmissionParts, 'notary'>,
    ConfirmParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  /** Whether processes of that module take assigned messages. */
  assignable(process: ProcessDescription): Promise<boolean>
  /** A process that sends, here or elsewhere; those of this node's directory, if not given. */
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  /** A process sends that was handed over as far as it says, and this node has not heard of that. */
  isBehind?(process: ProcessId): void
  readonly signerRatePerSecond?: number | undefined
  /** Processes whose place in their feed is held in memory; idle ones above it are looked up again. */
  readonly lanesMax?: number | undefined
  /** Whether this node's own compute unit, with this very key, attests the push: then it needs no proof. */
  attests?(push: Push): boolean
  /** What it takes to schedule processes together with other nodes; without it this one schedules alone. */
  readonly together?: Together | undefined
}

/** Requests checked before others get a turn: signatures take most of the time. */
const SLICE = 32

/** Gives every message of a process its slot: one writer, one feed, no gaps. */
export class SchedulerUnit implements Scheduler, AsyncDisposable {
  readonly #parts: SchedulerUnitParts
  readonly #lanes: Lanes
  readonly #rates: SignerRates
  readonly #alarms: Alarms
  readonly #receipts: KnownReceipts
  readonly #coSigned: CoSignedProcesses | undefined
  readonly #ingressParts: AssignedParts
  readonly #holds: Holds
  #closed = false

  private constructor(parts: SchedulerUnitParts) {
    this.#parts = parts
    const { log } = parts
    const describe = async (id: ProcessId) => (await log.directory.process(id)) ?? parts.describe?.(id)
    const seatHere = (request: ScheduleRequest): Promise<Seat> => this.#seatHere(request).catch(failedSeat)
    const isHeld = (process: ProcessId): boolean => this.#holds.has(process)
    this.#coSigned =
      parts.together && new CoSignedProcesses({ ...parts, ...parts.together, describe, seatHere, isHeld })
    const commitOf = async (process: ProcessDescription): Promise<LaneParts['commit']> =>
      this.#coSigned?.commitOf(process)
    this.#holds = new Holds(parts.clock)
    this.#lanes = new Lanes({ ...parts, commitOf, expectFree: process => this.#holds.expectFree(process) })
    this.#receipts = new KnownReceipts(log, this.#lanes)
    this.#rates = new SignerRates(parts.signerRatePerSecond)
    this.#ingressParts = {
      ...parts,
      lanes: this.#lanes,
      rates: this.#rates,
      describe: process => this.#sender(process),
      receiptOf: (lane, id) => this.#receipts.of(lane, id),
    }
    this.#alarms = new Alarms(parts.clock, ticks => this.#tick(ticks))
  }

  static async open(parts: SchedulerUnitParts): Promise<SchedulerUnit> {
    const unit = new SchedulerUnit(parts)
    for await (const process of monitoredProcesses(parts.log.store)) unit.#alarms.monitor(process, true)
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
    return answersOf(await this.#seatAll(requests))
  }

  async #seatAll(requests: readonly ScheduleRequest[]): Promise<readonly Seat[]> {
    const seats: Seat[] = []
    using gathering = new Gathering(requests.length > SLICE)
    for (const request of requests) {
      if (seats.length > 0 && seats.length % SLICE === 0) {
        gathering.pause(this.#parts.clock.now())
        await this.#parts.clock.sleep(0)
      }
      const seated = this.#seatNow(request, gathering)
      if (seated === undefined) gathering.commit()
      // Awaiting the seat, not the answer, keeps the order of requests and lets them share frames.
      seats.push(seated ?? (await this.#seat(request).catch(failedSeat)))
    }
    return seats
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
    this.#alarms.arm(process, timers)
  }

  monitor(process: ProcessId, on: boolean): void {
    keepMonitored(this.#parts.log.store, process, on)
    this.#alarms.monitor(process, on)
  }

  async #seat(request: ScheduleRequest): Promise<Seat> {
    this.#holds.expectFree(request.process)
    const course = await this.#coSigned?.courseOf(request)
    if (course !== undefined && request.after !== undefined) throw notDurable(request.process)
    return course === undefined ? this.#seatHere(request) : { answer: course.route(request) }
  }

  async #seatHere(request: ScheduleRequest): Promise<Seat> {
    const { envelope } = request
    switch (envelope.kind) {
      case 'item':
        return this.#seatItem(request, envelope)
      case 'push':
        return this.#seatPush(request.process, envelope, request.after)
      case 'assign':
        return seatAssigned(this.#ingressParts, request.process, envelope)
      case 'ingress':
        return seatIngress(this.#ingressParts, request.process, envelope, request.request)
      case 'tick':
      case 'reject':
        throw new Failure('wrong-type', { kind: envelope.kind }, { note: 'only the scheduler makes these' })
    }
  }

  /** The same without a wait, for most requests: nothing, if something has to be looked up. */
  #seatNow({ process, envelope, id: named, request, after }: ScheduleRequest, gathering: Gathering): Seat | undefined {
    if (this.#holds.has(process)) return undefined
    const lane = this.#lanes.atHand(process)
    if (lane === undefined || lane.nextSlot === 0 || lane.isShared) return undefined
    try {
      if (envelope.kind === 'push') {
        const sender = this.#parts.log.directory.processAtHand(envelope.push.core.from)
        if (sender === undefined || lane.senders.expected(sender.id) === undefined) return undefined
        return this.#enqueuePush(lane, envelope, sender, after)
      }
      if (envelope.kind === 'ingress') return seatIngressNow(this.#ingressParts, lane, envelope, request)
      if (envelope.kind !== 'item') return undefined
      const item = outlineItem(envelope.item, named)
      const id = asMessageId(item.id)
      // What controls a process names modules, which have to be looked up.
      if (isControl(item.tags)) return undefined
      if (item.id === process || lane.recent(id) !== undefined || !this.#parts.log.messages.lacks(process, id))
        return undefined
      return this.#enqueueItem(lane, envelope, item, { gathers: gathering.adds(lane) })
    } catch (error) {
      return failedSeat(error)
    }
  }

  async #seatItem(
    { process, id: named }: ScheduleRequest,
    envelope: Extract<Envelope, { kind: 'item' }>,
  ): Promise<Seat> {
    const item = outlineItem(envelope.item, named)
    const id = asMessageId(item.id)
    const repeated = await this.#receipts.known(process, id, envelope.item)
    if (repeated !== undefined) return { answer: known(repeated.answer) }
    // Before a lane is opened for it: anybody can name a process.
    await admitWhole(this.#parts, process, item)
    const spawned = item.id === process ? describeProcess(envelope) : undefined
    const lane = await this.#lanes.get(process, spawned)
    // Two requests with the same item may both have come here.
    const raced = lane.recent(id)
    if (raced !== undefined) return { answer: known(sameItem(raced, envelope.item, id).answer) }
    if (spawned === undefined && lane.nextSlot === 0) throw new Failure('unknown-process', { process })
    return this.#enqueueItem(lane, envelope, item, { isAdmitted: true })
  }

  #enqueueItem(
    lane: Lane,
    envelope: Extract<Envelope, { kind: 'item' }>,
    item: DataItem,
    { isAdmitted = false, gathers = false }: { isAdmitted?: boolean; gathers?: boolean },
  ): Seat {
    if (!isAdmitted) admitItem(envelope.item, lane.process.id, this.#parts.clock.now(), item)
    if (!this.#rates.take(item.ownerAddress, this.#parts.clock.now())) {
      throw new Failure('busy', { signer: item.ownerAddress }, { note: 'too many messages of one signer' })
    }
    const window = item.id === lane.process.id ? spawnWindow(lane.process) : undefined
    return lane.enqueue(asMessageId(item.id), envelope, { window, gathers })
  }

  async #seatPush(
    process: ProcessId,
    envelope: Extract<Envelope, { kind: 'push' }>,
    after: Commitment | undefined,
  ): Promise<Seat> {
    const { core } = envelope.push
    if (core.to !== process) throw new Failure('wrong-target', { target: core.to, process })
    const sender = await this.#sender(core.from)
    const spawned = await this.#child(process, envelope, sender)
    const lane = await this.#lanes.get(process, spawned)
    using _held = lane.hold()
    // What came before its child's spawn must not take slot 0.
    if (spawned === undefined && lane.nextSlot === 0) throw new Failure('unknown-process', { process })
    if (lane.senders.expected(core.from) === undefined) await lane.senders.load(core.from)
    return this.#enqueuePush(lane, envelope, sender, after)
  }

  async #sender(process: ProcessId): Promise<ProcessDescription> {
    const { log, describe } = this.#parts
    const sender = (await log.directory.process(process)) ?? (await describe?.(process))
    if (sender === undefined) throw new Failure('unknown-process', { process })
    return sender
  }

  #enqueuePush(
    lane: Lane,
    envelope: Extract<Envelope, { kind: 'push' }>,
    sender: ProcessDescription,
    after: Commitment | undefined,
  ): Seat {
    // The journal must have been given that before what comes of it.
    if (after?.isInLine === false) throw notDurable(lane.process.id)
    const { push, proof } = envelope
    const { core } = push
    if (core.to !== lane.process.id) throw new Failure('wrong-target', { target: core.to, process: lane.process.id })
    const expectedSeq = lane.senders.expected(core.from) ?? 0
    // Whoever hears this forgets the push, so what took its seq must be durable.
    if (core.seq < expectedSeq) return { answer: lane.durable().then(() => ({ status: 'duplicate' }), failedAnswer) }
    if (core.seq > expectedSeq) return { answer: { status: 'gap', expectedSeq } }
    // Others take no rejects; with a proof as it must be no push is so large.
    const sizeBytes = envelopeSizeBytes(envelope)
    const isTooLarge = sizeBytes > 2 * ITEM_SIZE_MAX_BYTES
    if (lane.isShared && isTooLarge) throw new Failure('too-large', { process: lane.process.id })
    this.#admitPush(envelope, sender, lane.process)
    const id = pushId(push.coreBytes)
    if (isTooLarge) return lane.enqueue(id, rejectOf(core), { after })
    const from = pushSender(proof, sender, lane.process.policy)
    return lane.enqueue(id, envelope, { sender: from, after, sizeBytes })
  }

  /** A push without a proof stands on our signature over the block: it must be ours to vouch for. */
  #admitPush(
    { push, proof }: Extract<Envelope, { kind: 'push' }>,
    sender: ProcessDescription,
    { policy }: ProcessDescription,
  ): void {
    if (isOfLaterEpoch(sender, proof?.signatures[0]?.unit ?? 0)) {
      this.#parts.isBehind?.(sender.id)
      throw new Failure('moved', { process: sender.id }, { note: 'its compute units are not known here yet' })
    }
    const vouched = proof === undefined && !isSpawn(push) && this.#parts.attests?.(push) === true
    if (!vouched || voucherOf(firstPolicy(sender), policy) === undefined) admitPush(push, proof, sender)
  }

  /** The process that a spawn makes, if there is none yet; only what is certified may say what it is like. */
  async #child(
    process: ProcessId,
    envelope: Extract<Envelope, { kind: 'push' }>,
    sender: ProcessDescription,
  ): Promise<ProcessDescription | undefined> {
    if ((await this.#parts.log.directory.process(process)) !== undefined) return undefined
    const lane = await this.#lanes.opening(process)?.catch(() => undefined)
    if (lane !== undefined && !lane.broken && lane.nextSlot > 0) return undefined
    admitPush(envelope.push, envelope.proof, sender)
    try {
      return describeProcess(envelope)
    } catch (error) {
      throw new Failure('unknown-process', { process }, { cause: error })
    }
  }

  #tick(ticks: readonly DueTick[]): void {
    for (const { process, timer } of ticks) {
      const envelope: Envelope = { kind: 'tick', timer: timerBytes(timer.key), dueMs: timer.dueMs }
      void Promise.resolve(confirmEpochs(this.#parts, this.#lanes, [{ process }]))
        .then(() => this.#ticksOf(process))
        .then(ticks => {
          this.#holds.expectFree(process)
          return ticks ? this.#lanes.get(process, undefined) : undefined
        })
        .then(lane => lane?.enqueue(asMessageId(''), envelope).seated())
        .catch(error => this.#again(process, timer, Failure.from(error)))
    }
  }

  /** Whether this scheduler gives a process its ticks; of several the one that leads. */
  async #ticksOf(process: ProcessId): Promise<boolean> {
    const course = await this.#coSigned?.known(process)
    return course === undefined || (await course.ticks())
  }

  /** A tick that found no slot comes again a little later. */
  #again(process: ProcessId, timer: Timer, failure: Failure): void {
    if (this.#closed || failure.blame === 'trust' || failure.blame === 'input') return
    // Its new scheduler rings.
    if (failure.code === 'moved' && failure.details['epoch'] !== undefined) return
    void this.#parts.clock.sleep(1000).then(() => this.#tick([{ process, timer }]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#alarms[Symbol.asyncDispose]()
    await this.#coSigned?.close()
    await this.#lanes[Symbol.asyncDispose]()
  }
}

const notDurable = (process: ProcessId): Failure =>
  new Failure('busy', { process }, { note: 'what the push comes from is not durable' })
