import {
  type ParsedItem,
  type CallRequest,
  type RequestEnvelope,
  type CallOptions,
  type Certificate,
  type Clock,
  type Commitment,
  type Computer,
  Failure,
  isSpawn,
  type KeyId,
  type Log,
  type MessageId,
  type Messenger,
  type ModuleDescription,
  type ModuleId,
  PAIRS_MAX,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type Receipt,
  readFrameHead,
  type Scheduler,
  type Sending,
  type Slot,
  type Trace,
  type TraceBounds,
  voucherOf,
  firstPolicy,
} from '../protocol/index.ts'
import { Assigning } from './assigning.ts'
import { EffectDesk, type EffectOffer } from './effects/effect-desk.ts'
import type { FailedEffect } from './effects/failed-effect.ts'
import { Couriers } from './courier.ts'
import { EarlyPushes } from './early-pushes.ts'
import { Intake, type Taken } from './intake.ts'
import { LeftOver } from './left-over.ts'
import { Lines } from './line.ts'
import { PairLane } from './pair-lane.ts'
import type { PairLaneParts } from './pair-lane-parts.ts'
import { maybeMoved, Routes } from './routes.ts'
import { SentPushes } from './sent-pushes.ts'
import { Timings } from './timings.ts'
import { boundsWithin, readTrace, traceElsewhere, type TraceParts } from './trace.ts'
import { Unfinished } from './unfinished.ts'

export interface MessengerUnitParts {
  readonly log: Log
  readonly scheduler: Scheduler
  readonly computer: Computer & { catchUp(process: ProcessId): void }
  readonly clock: Clock
  random(): number
  /** What it does outside the network; nothing, if not given. */
  readonly effects?: EffectOffer | undefined
  checkModule(module: ModuleDescription): Promise<void>
  /** Other nodes; a node without any delivers only to itself. */
  readonly peers?: Pick<Peers, 'schedule' | 'trace' | 'units'> | undefined
  /** A process here or elsewhere; those of this node's directory, if not given. */
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  /** A module here or elsewhere; those of this node's directory, if not given. */
  learnModule?(module: ModuleId): Promise<ModuleDescription | undefined>
  /** Whether what a process sends goes out from here: its compute units' nodes push it. Of all processes, if not given. */
  sendsFor?(process: ProcessDescription): boolean
  /** Asks whether a process was handed over; true, if so. */
  moved?(process: ProcessId): Promise<boolean>
  /** Calls `wake` once one of these nodes is linked that is not now; gives what ends that. */
  met?: ((nodes: readonly KeyId[], wake: () => void) => Disposable | undefined) | undefined
  trouble?(what: string, failure: Failure): void
  /** An effect was refused, or failed outside. */
  effectFailed?(failed: FailedEffect): void
}

const TRACE_WAIT_MS = 30_000
const TRACE_LOOK_MS = 5

/**
 * Carries messages: takes items in, and pushes what certified results ask for until nothing is left.
 * It keeps no state that anything depends on: after a restart it reads outboxes again and pushes them again,
 * and what was there already stays as it is.
 */
export class MessengerUnit implements Messenger, AsyncDisposable {
  readonly #parts: MessengerUnitParts
  readonly #routes: Routes
  readonly #intake: Intake
  readonly #unfinished: Unfinished
  readonly #leftOver: LeftOver
  readonly #timings = new Timings()
  readonly #lanes = new Map<string, PairLane>()
  readonly #laneParts: PairLaneParts
  readonly #early = new EarlyPushes()
  readonly #assigning: Assigning
  #sweepAt = PAIRS_MAX
  readonly #effects: EffectDesk | undefined
  #closed = false

  constructor(parts: MessengerUnitParts) {
    this.#parts = parts
    this.#routes = new Routes(parts)
    this.#intake = new Intake({ ...parts, routes: this.#routes })
    this.#unfinished = new Unfinished(parts.log.store)
    this.#leftOver = new LeftOver(parts, this.#unfinished, (process, result) => this.#push(process, result))
    this.#assigning = new Assigning(parts, this.#routes)
    const sent = new SentPushes(parts)
    const couriers = new Couriers({ ...parts, key: parts.scheduler.key })
    this.#laneParts = {
      computer: parts.computer,
      clock: parts.clock,
      random: () => parts.random(),
      schedulerAtHand: push => this.#schedulerAtHand(push),
      vouches: (scheduler, push) => scheduler === parts.scheduler && this.#isVouchedFor(push),
      schedulerOf: push => this.#routes.ofPush(push),
      rank: push => couriers.rank(push),
      expectedSeq: push => couriers.expectedSeq(push),
      reading: from => this.#leftOver.reading(from),
      lines: new Lines(),
      sentFrom: (from, to, ...part) => sent.read([from, to], this.#unfinished.lowest(from), part),
      met: (push, wake) => this.#routes.met(push, wake),
      delivered: push =>
        void (this.#early.delivered(push) || this.#unfinished.delivered(push.core.from, push.core.slot)),
      trouble: (push, failure) => {
        // Its receiver may be elsewhere by now.
        if (maybeMoved(failure)) void parts.moved?.(push.core.to)
        parts.trouble?.(`push from ${push.core.from} to ${push.core.to}`, failure)
      },
    }
    this.#effects = parts.effects && this.#openEffects(parts.effects)
  }

  /** Goes on with what an earlier run left unfinished. Call once, after all units are open; what is left is pushed while the node serves. */
  resume(): Promise<void> {
    return this.#leftOver.resumeAll()
  }

  /** A frame became durable. */
  scheduled(process: ProcessDescription, firstSlot: Slot, frameBytes: Uint8Array): void {
    const { count } = readFrameHead(frameBytes)
    this.#unfinished.scheduled(process.id, firstSlot, firstSlot + count)
  }

  /** The results of a frame are final: what those in `sending` ask for is pushed. */
  evaluated(process: ProcessDescription, certificate: Certificate, sending: readonly Sending[]): void {
    const { firstSlot, count } = certificate
    this.#timings.evaluated(process.id, firstSlot, count, this.#parts.clock.now())
    for (const result of sending) this.#push(process.id, result)
    this.#unfinished.evaluated(process.id, firstSlot + count)
  }

  /** The same of a frame on its way to the disk; `evaluated` comes once it is there, with the same objects. What is made of it is built on `commitment`. */
  early(sending: readonly Sending[], commitment: Commitment): void {
    for (const push of sending.flatMap(({ outbox }) => outbox)) {
      const lane = this.#effects?.isFor(push) === true ? undefined : this.#lane(push)
      if (lane === undefined || lane.isFull) continue
      this.#early.add(push, lane)
      lane.enqueue(push, commitment)
    }
  }

  /** A process is in a new epoch: what it sends is read anew from results, by its compute units of now. */
  async moved({ id, firstSlot = 0, policy, earlier }: ProcessDescription, unit: KeyId): Promise<void> {
    for (const [key, lane] of this.#lanes) {
      if (!key.startsWith(id)) continue
      lane.stop()
      this.#lanes.delete(key)
    }
    const from = this.#unfinished.lowest(id)
    if (!policy.computeUnits.includes(unit)) return this.#leftOver.forget(id)
    const wasUnit = earlier?.at(-1)?.policy.computeUnits.includes(unit) === true
    if (from === undefined && wasUnit) return
    this.#unfinished.drop(id)
    // What the units before left undone is known to them alone: of what this one evaluated earlier, all may have to be sent again.
    await this.#leftOver.resume(id, wasUnit ? Math.min(from ?? 0, firstSlot) : 0)
  }

  submit(items: readonly (Uint8Array | ParsedItem)[]): Promise<readonly Taken[]> {
    return this.#intake.take(items)
  }

  ingress(process: ProcessId, request: RequestEnvelope<CallRequest>): Promise<Receipt> {
    return this.#intake.ingress(process, request)
  }

  assign(message: MessageId, process: ProcessId, exclude: readonly string[] = []): Promise<Receipt> {
    return this.#assigning.assign(message, process, exclude)
  }

  async trace(
    id: MessageId,
    options: CallOptions & { settled?: boolean; process?: ProcessId; bounds?: TraceBounds } = {},
  ): Promise<Trace> {
    const { clock } = this.#parts
    const look = await this.#lookAt(id, options.process, boundsWithin(options.bounds))
    const untilMs = clock.elapsed() + (options.timeoutMs ?? TRACE_WAIT_MS)
    for (let pauseMs = TRACE_LOOK_MS; ; pauseMs = Math.min(200, pauseMs * 2)) {
      const trace = await look()
      if (trace.settled || options.settled !== true) return trace
      if (options.signal?.aborted === true) throw new Failure('aborted')
      if (clock.elapsed() + pauseMs > untilMs) throw new Failure('timeout', { id }, { note: 'the tree still grows' })
      await clock.sleep(pauseMs, { signal: options.signal, for: 'wait' })
    }
  }

  /** How the tree below a message is read: from the feed it stands in, or by asking who schedules that. */
  async #lookAt(id: MessageId, named: ProcessId | undefined, bounds: TraceBounds): Promise<() => Promise<Trace>> {
    const { log, peers } = this.#parts
    const places = await log.messages.placesOf(id)
    const place = named === undefined ? places[0] : places.find(one => one.process === named)
    if (place !== undefined) return () => readTrace(this.#traceParts(), { ...place, id }, bounds)
    const process = named ?? this.#routes.wentTo(id)
    if (process === undefined || peers === undefined) throw new Failure('unknown-message', { id })
    return async () => {
      const trace = await traceElsewhere(this.#traceParts(), process, id, bounds)
      if (trace === undefined) throw new Failure('unknown-message', { id })
      return trace
    }
  }

  #push(from: ProcessId, result: Sending): void {
    const open = result.outbox.length + result.assigns.length - this.#early.deliveredOf(result)
    if (open > 0) this.#unfinished.opened(from, result.slot, open)
    for (const push of result.outbox) {
      if (this.#effects?.isFor(push) === true) this.#effects.enqueue(push)
      else if (!this.#early.release(push)) this.#lane(push).enqueue(push)
    }
    for (const assign of result.assigns)
      void this.#assigning.carryOut(assign).then(() => this.#unfinished.delivered(from, result.slot))
  }

  #openEffects(offer: EffectOffer): EffectDesk {
    const { log, clock, random, trouble, effectFailed } = this.#parts
    return new EffectDesk({
      ...offer,
      log,
      clock,
      random,
      schedulerOf: process => this.#routes.of(process),
      delivered: push => this.#unfinished.delivered(push.core.from, push.core.slot),
      trouble: (push, failure) => trouble?.(`effect of ${push.core.from}`, failure),
      failed: effect => effectFailed?.(effect),
    })
  }

  #lane(push: Push): PairLane {
    const key = push.core.from + push.core.to
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    if (this.#lanes.size >= this.#sweepAt) {
      for (const [other, lane] of this.#lanes) if (lane.idle) this.#lanes.delete(other)
      // If most are busy, the next look is as far away as it is long.
      this.#sweepAt = Math.max(PAIRS_MAX, 2 * this.#lanes.size)
    }
    const lane = new PairLane(this.#laneParts)
    this.#lanes.set(key, lane)
    return lane
  }

  #schedulerAtHand({ core }: Push): Pick<Scheduler, 'schedule'> | undefined {
    const { log, scheduler, peers } = this.#parts
    const known = log.directory.processAtHand(core.to)
    if (known === undefined) return undefined
    return peers === undefined || known.policy.schedulers.includes(scheduler.key) ? scheduler : undefined
  }

  /** Whether this node's own scheduler takes a push at its compute unit's word. */
  #isVouchedFor(push: Push): boolean {
    const { log, computer } = this.#parts
    if (!computer.attests(push) || isSpawn(push)) return false
    const [from, to] = [log.directory.processAtHand(push.core.from), log.directory.processAtHand(push.core.to)]
    return (
      from !== undefined && to !== undefined && voucherOf(firstPolicy(from), to.policy) === this.#parts.scheduler.key
    )
  }

  #traceParts(): TraceParts {
    const { log, computer, peers, describe } = this.#parts
    const parts = { log, computer, timings: this.#timings, routes: this.#routes, peers, effects: this.#effects }
    return describe === undefined ? parts : { ...parts, describe }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#assigning.stop()
    await this.#leftOver.close()
    for (const lane of this.#lanes.values()) lane.stop()
    this.#effects?.stop()
    this.#unfinished.sweep()
  }
}
