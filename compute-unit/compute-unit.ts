import {
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Computer,
  certificateMessage,
  decodeResult,
  ed25519Sign,
  Failure,
  FOLLOWERS_MAX,
  type KeyId,
  type Lifecycle,
  type ModuleDescription,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushProof,
  type QueryAnswer,
  type QueryMessage,
  type Result,
  type Slot,
  type StateAnswer,
  type Timer,
  type UnderWay,
  type UpgradeCheck,
  type UpgradeWish,
  waitFor,
} from '../protocol/index.ts'
import { checkQuery } from './queries/check-query.ts'
import { carryCertificates } from './following/carry-certificates.ts'
import { catchUp } from './following/catch-up.ts'
import { Checkpoints } from './kept/checkpoints.ts'
import type { EvaluatedFrame } from './following/follower-parts.ts'
import { Followers, type FollowersParts } from './following/followers.ts'
import { GrowthWatch } from './following/growth-watch.ts'
import { HostSeats } from './hosts/host-seats.ts'
import { KeptFacts } from './kept/kept-facts.ts'
import type { KnownFrame } from './following/known-frames.ts'
import { loadModules, modulesOf } from './kept/named-modules.ts'
import { OwnWord } from './following/own-word.ts'
import { PastStates } from './queries/past-states.ts'
import { QueryLanes } from './queries/query-lanes.ts'
import type { ProvenFrame } from './kept/recent-frames.ts'
import { ResultReader } from './kept/result-reader.ts'
import { ResultStore } from './kept/result-store.ts'
import { StateReader } from './queries/state-reader.ts'
import type { ComputeUnitParts, ScheduledFrame } from './following/unit-parts.ts'
import { checkUpgrade } from './upgrade-check.ts'
import { trustedVerdicts, type VerdictParts } from './following/verdicts.ts'

const RESIDENT_MAX_BYTES = 1024 * 1024 * 1024
/** What a closing unit waits for slots that are under way; what is lost is made again. */
const CLOSE_MAX_MS = 5_000

/** Executes feeds: evaluates in hosts, keeps checkpoints and results, signs certificates. */
export class ComputeUnit implements Computer, AsyncDisposable {
  readonly #parts: ComputeUnitParts
  readonly #seats: HostSeats
  readonly #followers: Followers
  readonly #checkpoints: Checkpoints
  readonly #facts: KeptFacts
  readonly #stored: ResultStore
  readonly #results: ResultReader
  readonly #queries: QueryLanes
  readonly #past: PastStates
  readonly #states: StateReader
  readonly #senders: VerdictParts
  readonly #word: OwnWord
  readonly #growth = new GrowthWatch()
  #closed = false

  private constructor(parts: ComputeUnitParts) {
    this.#parts = parts
    const { log, openHost: open, describe, notary } = parts
    this.#word = new OwnWord(parts)
    this.#seats = new HostSeats(open, parts.hosts)
    this.#stored = new ResultStore(log.store, parts.clock)
    this.#checkpoints = new Checkpoints(log.store, process => this.#stored.flush(process))
    this.#facts = new KeptFacts(log.store)
    const process = async (id: ProcessId): Promise<ProcessDescription | undefined> =>
      (await log.directory.process(id)) ?? describe?.(id)
    this.#senders = { directory: { process }, messages: log.messages, notary }
    const copies = { seat: this.#seats.query, log, senders: this.#senders, checkpoints: this.#checkpoints }
    this.#queries = new QueryLanes({ ...copies, slowSeat: this.#seats.slowQuery, clock: parts.clock })
    const now = (): number => parts.clock.now()
    this.#past = new PastStates({ ...copies, clock: parts.clock })
    this.#states = new StateReader({ key: parts.key, log, seat: this.#seats.query, past: this.#past, now })
    this.#followers = new Followers({
      ...parts,
      seats: this.#seats,
      residentMaxBytes: parts.residentMaxBytes ?? RESIDENT_MAX_BYTES,
      followersMax: parts.followersMax ?? FOLLOWERS_MAX,
      common: this.#forFollowers(),
      isWatched: process => this.#growth.isWatched(process),
      forgotten: process => this.#results.forget(process),
      trouble: (process, error) => this.#trouble(process, error),
    })
    this.#results = new ResultReader({
      ...parts,
      stored: this.#stored,
      followerOf: process => this.#followers.of(process),
      sign: certificateBytes => this.sign(certificateBytes),
      read: (bytes, process) => this.#word.read(bytes, process),
    })
  }

  static async open(parts: ComputeUnitParts): Promise<ComputeUnit> {
    return new ComputeUnit(parts)
  }

  /** Tells the timers that processes held when this node was last up. Call once, when all units are open. */
  async armTimers(): Promise<void> {
    for await (const [process, timers] of this.#facts.allTimers()) this.#parts.timers(process, timers)
  }

  get key(): KeyId {
    return this.#parts.key
  }

  /** Process ids of the hosts, for whoever measures them. */
  get hostPids(): number[] {
    return this.#seats.pids
  }

  /** Processes whose place in their feed is in memory. */
  get following(): number {
    return this.#followers.size
  }

  /** Takes a frame that is on its way to the disk; once it is there it comes to `accept`. */
  expect(process: ProcessDescription, frame: ScheduledFrame, underWay: UnderWay): void {
    this.#followers.atHand(process)?.expect(knownFrame(frame, underWay))
  }

  /** Takes a frame that became durable. */
  accept(process: ProcessDescription, frame: ScheduledFrame): void {
    this.#followers.tell(process, follower => follower.accept(knownFrame(frame)))
  }

  /** The same, for the case that its process is evaluated here for some other reason. */
  notice(process: ProcessId, frame: ScheduledFrame): void {
    void this.#followers.known(process)?.then(follower => follower.notice(knownFrame(frame)), ignore)
  }

  /**
   * A process is in a new epoch: what was evaluated behind the end of the one before counts for nothing, and is forgotten. Who
   * waits for it is told `moved`. Nothing is evaluated until somebody asks again.
   */
  async moved(process: ProcessDescription): Promise<void> {
    const { id } = process
    await this.#followers.end(id, new Failure('moved', { process: id, epoch: process.epoch }))
    this.#results.forget(id)
    this.#queries.forget(id)
    this.#past.forget(id)
    const carried = await carryCertificates(this.#parts.log, process, this.#parts.key)
    await this.#stored.dropFrom(id, Math.min(carried, process.firstSlot ?? 0))
    const timers = await this.#facts.timers(id)
    // Another scheduler has to ring for what they hold.
    if (timers.length > 0) this.#parts.timers(id, timers)
    this.#growth.tell(id)
  }

  /** Evaluates what stands in the feed of a process; returns at once. */
  catchUp(process: ProcessId): void {
    const { log } = this.#parts
    void this.#followers
      .of(process)
      .then(follower => catchUp(log, follower))
      .catch(error => this.#trouble(process, error))
  }

  /** Whether a module may run here. @throws {Failure} `module-refused` */
  async check(module: ModuleDescription): Promise<void> {
    const answer = await this.#seats.query.ask({ kind: 'check', module })
    if (answer.kind === 'refused') throw new Failure('module-refused', { module: module.id, reason: answer.reason })
  }

  async result(process: ProcessId, slot: Slot, options?: CallOptions): Promise<Result> {
    return decodeResult(await this.#results.bytes(process, slot, options))
  }

  async attested(process: ProcessId): Promise<Attested> {
    const { computeUnits, computeQuorum } = (await this.#followers.of(process)).process.policy
    return { by: computeUnits.filter(key => key === this.key), needed: computeQuorum, of: computeUnits.length }
  }

  /** The evaluated frame that holds `slot`, as this unit certified it. @throws {Failure} `unknown-slot` */
  frameAt(process: ProcessDescription, slot: Slot): Promise<ProvenFrame> {
    return this.#results.frameAt(process, slot)
  }

  sign(certificateBytes: Uint8Array): Uint8Array {
    return ed25519Sign(this.#parts.seed, certificateMessage(certificateBytes))
  }

  certified(process: ProcessId, slot: Slot, options?: CallOptions): Promise<CertifiedResult> {
    return this.#results.certified(process, slot, options)
  }

  results(process: ProcessId, from: Slot, to: Slot): AsyncIterable<Result> {
    return this.#results.range(process, from, to)
  }

  async *follow(process: ProcessId, from: Slot, options: CallOptions = {}): AsyncIterable<Result> {
    const first = await this.#followers.of(process)
    first.start()
    const ended = (): boolean => options.signal?.aborted === true || this.#closed
    for (let next = from; !ended(); ) {
      const end = (await this.#followers.of(process)).evaluated
      for await (const result of this.results(process, next, end)) {
        if (ended()) return
        yield result
      }
      next = Math.max(next, end)
      // Asked for each time: a follower may be forgotten while whoever reads the results takes their time.
      if ((await this.#followers.of(process)).evaluated > next) continue
      await this.#growth.next(process, options.signal)
    }
  }

  async evaluated(process: ProcessId): Promise<Slot> {
    return (await this.#followers.of(process)).evaluated
  }

  proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]> {
    return this.#results.proveOutbox(process, slot, indexes)
  }

  attests(push: Push): boolean {
    return this.#word.isOf(push)
  }

  async query(
    process: ProcessId,
    message: QueryMessage,
    { at, ...options }: CallOptions & { at?: Slot | undefined } = {},
  ): Promise<QueryAnswer> {
    const follower = await this.#followers.of(process)
    checkQuery(message)
    if (at !== undefined) return this.#states.query(follower, at, message, options)
    return this.#queries.query(follower, message, options)
  }

  async state(process: ProcessId, at?: Slot, options: CallOptions = {}): Promise<StateAnswer> {
    return this.#states.state(await this.#followers.of(process), at, options)
  }

  async lifecycle(process: ProcessId): Promise<Lifecycle> {
    const { module } = (await this.#followers.of(process)).process
    return (await this.#facts.lifecycle(process)) ?? { module, since: 0, changes: [], snapshots: [] }
  }

  async timers(process: ProcessId): Promise<readonly Timer[]> {
    await this.#followers.of(process)
    return this.#facts.timers(process)
  }

  async checkUpgrade(process: ProcessId, wish: UpgradeWish, options: CallOptions = {}): Promise<UpgradeCheck> {
    const [follower, { since }] = await Promise.all([this.#followers.of(process), this.lifecycle(process)])
    const { log, clock } = this.#parts
    using _module = await loadModules(this.#seats.query, [wish.module], modulesOf(log.directory))
    const parts = { log, seat: this.#seats.query, past: this.#past, now: () => clock.now() }
    return await checkUpgrade(parts, follower, { ...wish, since }, options)
  }

  async cell(process: ProcessId, key: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await (await this.#followers.of(process)).read({ kind: 'cell', process, key })
    return answer.kind === 'bytes' ? answer.bytes : undefined
  }

  async memory(process: ProcessId): Promise<{ slot: Slot; memory: Uint8Array }> {
    const answer = await (await this.#followers.of(process)).read({ kind: 'memory', process })
    if (answer.kind !== 'bytes' || answer.bytes === undefined) throw new Failure('host-fault')
    return { slot: answer.slot - 1, memory: answer.bytes }
  }

  /** Slots at which a process can be opened without replaying from the start, oldest first. */
  async checkpointsOf(process: ProcessId): Promise<readonly Slot[]> {
    return (await this.#checkpoints.list(process)).map(head => head.slots)
  }

  /** Writes a checkpoint of a process that is loaded. */
  async checkpoint(process: ProcessId): Promise<void> {
    await (await this.#followers.of(process)).checkpoint()
  }

  /** Writes a checkpoint of every process that is loaded; gives how many. */
  async checkpointAll(): Promise<number> {
    const followers = (await this.#followers.all()).filter(one => one.inHost)
    await Promise.all(followers.map(follower => follower.checkpoint()))
    return followers.length
  }

  /** What each follower is given, wherever it runs. */
  #forFollowers(): FollowersParts['common'] {
    const { log, key, clock } = this.#parts
    return {
      log,
      key,
      checkpoints: this.#checkpoints,
      results: this.#stored,
      senders: this.#senders,
      elapsed: () => clock.elapsed(),
      sleep: (ms, signal) => clock.sleep(ms, { signal }),
      evaluated: frame => this.#evaluated(frame),
      early: (process, results, { sends }, commitment) => this.#word.tellEarly(process, results, sends, commitment),
      timers: (description, timers) => this.#timers(description.id, timers),
      lifecycle: ({ id }, lifecycle) => this.#facts.keepLifecycle(id, lifecycle),
      progress: (description, evaluated, scheduled) => this.#parts.progress?.(description.id, evaluated, scheduled),
      trouble: (description, error) => this.#trouble(description.id, error),
    }
  }

  #evaluated(frame: EvaluatedFrame): void {
    const { index, certificateBytes, results, outcome, process } = frame
    this.#results.remember(process.id, { index, certificateBytes, results, count: outcome.count })
    this.#parts.evaluated(frame, frame.sending ?? this.#word.sending(process, results, outcome.sends))
    this.#growth.tell(process.id)
    this.#followers.evaluated()
  }

  #timers(process: ProcessId, timers: readonly Timer[]): void {
    this.#facts.keepTimers(process, timers)
    this.#parts.timers(process, timers)
  }

  #trouble(process: ProcessId, error: unknown): void {
    if (!this.#closed) this.#parts.trouble?.(process, Failure.from(error))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    const followers = await this.#followers.all()
    this.#closed = true
    this.#followers[Symbol.dispose]()
    for (const follower of followers) follower.stop(new Failure('shutting-down'))
    const written = Promise.allSettled(followers.map(follower => follower.checkpoint()))
    await waitFor(written, this.#parts.clock, { timeoutMs: CLOSE_MAX_MS }).catch(() => undefined)
    this.#growth.close()
    for (const one of [this.#stored, this.#queries]) one[Symbol.dispose]()
    await this.#seats[Symbol.asyncDispose]()
  }
}

function knownFrame({ index, bytes, senders }: ScheduledFrame, underWay?: UnderWay): KnownFrame {
  return { index, bytes, verdicts: senders && trustedVerdicts(senders), underWay }
}

const ignore = (): void => undefined
