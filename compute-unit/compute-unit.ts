import {
  asProcessId,
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Clock,
  type Computer,
  certificateMessage,
  concatBytes,
  decodeCertificate,
  decodeResult,
  ed25519Sign,
  Failure,
  findFrame,
  FOLLOWERS_MAX,
  type KeyId,
  type Lifecycle,
  type Log,
  leafHash,
  merkleLevels,
  messagesFeed,
  pathIn,
  type ModuleDescription,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushProof,
  type PushSender,
  QUERY_WALL_MAX_MS,
  type QueryAnswer,
  type QueryMessage,
  type Result,
  resultsFeed,
  type Slot,
  type StateAnswer,
  type Timer,
  toBase64Url,
  toUtf8,
  type UpgradeCheck,
  type UpgradeWish,
  waitFor,
  unitPosition,
} from '../protocol/index.ts'
import { checkQuery } from './check-query.ts'
import { carryCertificates } from './carry-certificates.ts'
import { Checkpoints } from './checkpoints.ts'
import { type EvaluatedFrame, Follower, type FollowerParts } from './follower.ts'
import { decodeLifecycle, encodeLifecycle } from './evaluation/index.ts'
import type { FrameResults } from './frame-results.ts'
import type { HostSeat, OpenHost } from './host-pool.ts'
import { HostSeats } from './host-seats.ts'
import { rangeOf, storeKey } from './keys.ts'
import type { KnownFrame } from './known-frames.ts'
import { loadModules, modulesOf } from './named-modules.ts'
import { OwnPush } from './own-push.ts'
import { PastStates } from './past-states.ts'
import { QueryLanes } from './query-lanes.ts'
import { type ProvenFrame, RecentFrames } from './recent-frames.ts'
import { Residency } from './residency.ts'
import { ResultStore } from './result-store.ts'
import { decodeTimers, encodeTimers, timersKey } from './timers.ts'
import { StateReader } from './state-reader.ts'
import { checkUpgrade } from './upgrade-check.ts'
import { trustedVerdicts, type VerdictParts } from './verdicts.ts'

export interface ComputeUnitParts {
  readonly key: KeyId
  /** Ed25519 seed of that key: certificates are signed with it. */
  readonly seed: Uint8Array
  readonly log: Log
  readonly clock: Clock
  /** Opens a host that can run every format of this node. */
  readonly openHost: OpenHost
  readonly hosts?: number | undefined
  /** Bytes of guests held in hosts; idle ones above it hibernate. */
  readonly residentMaxBytes?: number | undefined
  /** Processes whose place in their feed is held in memory; idle ones above it are looked up again. */
  readonly followersMax?: number | undefined
  /** A frame was evaluated; the results in `sending` ask for something to be sent. */
  evaluated(frame: EvaluatedFrame, sending: readonly Result[]): void
  /** The timers a process holds now. */
  timers(process: ProcessId, timers: readonly Timer[]): void
  /** A process that sends, here or elsewhere; those of this node's directory, if not given. */
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  progress?(process: ProcessId, evaluated: Slot, scheduled: Slot): void
  trouble?(process: ProcessId, error: Failure): void
}

/** A frame as its scheduler gives it. */
export interface ScheduledFrame {
  /** Index of the block in the feed. */
  readonly index: number
  readonly bytes: Uint8Array
  /** For each slot, who sent it, if that is a process; believed of this node's own scheduler alone. */
  readonly senders?: readonly (PushSender | undefined)[] | undefined
}

const RESIDENT_MAX_BYTES = 1024 * 1024 * 1024
/** What a closing unit waits for slots that are under way; what is lost is made again. */
const CLOSE_MAX_MS = 5_000
const RESULT_WAIT_MS = 30_000
/** Executes feeds: evaluates in hosts, keeps checkpoints and results, signs certificates. */
export class ComputeUnit implements Computer, AsyncDisposable {
  readonly #parts: ComputeUnitParts
  readonly #seats: HostSeats
  readonly #followers = new Map<ProcessId, Promise<Follower>>()
  /** Those of `#followers` that are open. */
  readonly #opened = new Set<Follower>()
  /** What followers are given, by their host and whether they trust their scheduler: there are many of them. */
  readonly #given = new Map<HostSeat, readonly [FollowerParts, FollowerParts]>()
  readonly #residency: Residency<Follower>
  readonly #checkpoints: Checkpoints
  readonly #results: ResultStore
  readonly #queries: QueryLanes
  readonly #past: PastStates
  readonly #states: StateReader
  readonly #senders: VerdictParts
  readonly #recent = new RecentFrames()
  readonly #watchers = new Map<ProcessId, Set<() => void>>()
  #closed = false

  private constructor(parts: ComputeUnitParts) {
    this.#parts = parts
    const { log, openHost: open, describe } = parts
    this.#seats = new HostSeats(open, parts.hosts)
    this.#checkpoints = new Checkpoints(log.store)
    this.#results = new ResultStore(log.store)
    this.#residency = new Residency({
      clock: parts.clock,
      store: log.store,
      maxBytes: parts.residentMaxBytes ?? RESIDENT_MAX_BYTES,
      followersMax: parts.followersMax ?? FOLLOWERS_MAX,
      followers: this.#opened,
      isWatched: process => this.#watchers.has(process),
      forget: follower => {
        this.#opened.delete(follower)
        this.#followers.delete(follower.process.id)
      },
      trouble: (process, error) => this.#trouble(process, error),
    })
    const known = (id: ProcessId): Promise<ProcessDescription | undefined> => log.directory.process(id)
    const senderOf = async (id: ProcessId): Promise<ProcessDescription | undefined> =>
      (await known(id)) ?? describe?.(id)
    this.#senders = { directory: { process: describe === undefined ? known : senderOf }, messages: log.messages }
    const copies = { seat: this.#seats.query, log, senders: this.#senders, checkpoints: this.#checkpoints }
    this.#queries = new QueryLanes({ ...copies, slowSeat: this.#seats.slowQuery })
    const now = (): number => parts.clock.now()
    this.#past = new PastStates({ ...copies, clock: parts.clock })
    this.#states = new StateReader({ key: parts.key, log, seat: this.#seats.query, past: this.#past, now })
  }

  static async open(parts: ComputeUnitParts): Promise<ComputeUnit> {
    return new ComputeUnit(parts)
  }

  /** Tells the timers that processes held when this node was last up. Call once, when all units are open. */
  async armTimers(): Promise<void> {
    const { log, timers } = this.#parts
    const prefix = toUtf8('compute/timers/')
    for await (const { key, value } of log.store.range(rangeOf(prefix))) {
      timers(asProcessId(toBase64Url(key.subarray(prefix.length))), decodeTimers(value))
    }
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

  /** Takes a frame that is on its way to the disk, and whether it got there; then it comes to `accept`. */
  expect(process: ProcessDescription, frame: ScheduledFrame, done: Promise<boolean>): void {
    void this.#followers.get(process.id)?.then(follower => follower.expect({ ...knownFrame(frame), done }), ignore)
  }

  /** Takes a frame that became durable. */
  accept(process: ProcessDescription, frame: ScheduledFrame): void {
    const known = this.#followers.get(process.id)
    const opening = known ?? this.#openFollower(process)
    void opening.then(follower => follower.accept(knownFrame(frame))).catch(error => this.#trouble(process.id, error))
  }

  /** The same, for the case that its process is evaluated here for some other reason. */
  notice(process: ProcessId, frame: ScheduledFrame): void {
    void this.#followers.get(process)?.then(follower => follower.notice(knownFrame(frame)), ignore)
  }

  /**
   * A process is in a new epoch: what was evaluated behind the end of the one before counts for nothing, and is forgotten. Who
   * waits for it is told `moved`. Nothing is evaluated until somebody asks again.
   */
  async moved(process: ProcessDescription): Promise<void> {
    const { id } = process
    const opening = this.#followers.get(id)
    this.#followers.delete(id)
    const follower = await opening?.catch(() => undefined)
    if (follower !== undefined) {
      this.#opened.delete(follower)
      await follower.leave(new Failure('moved', { process: id, epoch: process.epoch }))
    }
    this.#recent.forget(id)
    this.#queries.forget(id)
    this.#past.forget(id)
    await this.#results.dropFrom(id, process.firstSlot ?? 0)
    await carryCertificates(this.#parts.log, process, this.#parts.key)
    const timers = await this.#parts.log.store.get(timersKey(id))
    // Another scheduler has to ring for what they hold.
    if (timers !== undefined) this.#parts.timers(id, decodeTimers(timers))
    for (const wake of this.#watchers.get(id) ?? []) wake()
  }

  /** Evaluates what stands in the feed of a process; returns at once. */
  catchUp(process: ProcessId): void {
    void this.#follower(process).then(follower => follower.start(), error => this.#trouble(process, error))
  }

  /** Whether a module may run here. @throws {Failure} `module-refused` */
  async check(module: ModuleDescription): Promise<void> {
    const answer = await this.#seats.query.ask({ kind: 'check', module })
    if (answer.kind === 'refused') throw new Failure('module-refused', { module: module.id, reason: answer.reason })
  }

  async result(process: ProcessId, slot: Slot, options?: CallOptions): Promise<Result> {
    return decodeResult(await this.#resultBytes(process, slot, options))
  }

  async attested(process: ProcessId): Promise<Attested> {
    const { computeUnits, computeQuorum } = (await this.#follower(process)).process.policy
    return { by: computeUnits.filter(key => key === this.key), needed: computeQuorum, of: computeUnits.length }
  }

  /** The evaluated frame that holds `slot`, as this unit certified it. @throws {Failure} `unknown-slot` */
  frameAt(process: ProcessDescription, slot: Slot): Promise<Pick<ProvenFrame, 'certificateBytes' | 'results'>> {
    return this.#frameOf(process, slot)
  }

  sign(certificateBytes: Uint8Array): Uint8Array {
    return ed25519Sign(this.#parts.seed, certificateMessage(certificateBytes))
  }

  async certified(process: ProcessId, slot: Slot, options?: CallOptions): Promise<CertifiedResult> {
    const bytes = await this.#resultBytes(process, slot, options)
    const follower = await this.#follower(process)
    const frame = await this.#frameOf(follower.process, slot)
    return { result: decodeResult(bytes), bytes, proof: this.#proof(follower.process, frame, slot) }
  }

  async *results(process: ProcessId, from: Slot, to: Slot): AsyncIterable<Result> {
    const follower = await this.#follower(process)
    const end = Math.min(to, follower.evaluated)
    for (let slot = from; slot < end; ) {
      const frame = await this.#resultsAt(process, slot)
      for (const bytes of frame.results.slice(slot - frame.firstSlot)) {
        if (slot >= end) return
        yield this.#read(bytes, follower.process)
        slot += 1
      }
    }
  }

  async *follow(process: ProcessId, from: Slot, options: CallOptions = {}): AsyncIterable<Result> {
    const first = await this.#follower(process)
    first.start()
    const ended = (): boolean => options.signal?.aborted === true || this.#closed
    for (let next = from; !ended(); ) {
      const end = (await this.#follower(process)).evaluated
      for await (const result of this.results(process, next, end)) {
        if (ended()) return
        yield result
      }
      next = Math.max(next, end)
      // Asked for each time: a follower may be forgotten while whoever reads the results takes their time.
      if ((await this.#follower(process)).evaluated > next) continue
      await this.#growth(process, options.signal)
    }
  }

  async evaluated(process: ProcessId): Promise<Slot> {
    return (await this.#follower(process)).evaluated
  }

  async proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]> {
    const follower = await this.#follower(process)
    const frame = await this.#frameOf(follower.process, slot)
    const base = this.#proof(follower.process, frame, slot)
    if (base.signatures.length < follower.process.policy.computeQuorum) {
      throw new Failure('bad-certificate', { process }, { note: 'other compute units must agree first' })
    }
    if (indexes.length === 0) return []
    const { outbox } = decodeResult(await this.#resultBytes(process, slot))
    const tree = merkleLevels(concatBytes(...outbox.map(push => leafHash(push.coreBytes))))
    return indexes.map(index => ({ ...base, outboxPath: pathIn(tree, index) }))
  }

  attests(push: Push): boolean {
    return OwnPush.isOf(push, this)
  }

  async query(
    process: ProcessId,
    message: QueryMessage,
    { at, ...options }: CallOptions & { at?: Slot | undefined } = {},
  ): Promise<QueryAnswer> {
    const follower = await this.#follower(process)
    checkQuery(message)
    const { timeoutMs = QUERY_WALL_MAX_MS } = options
    if (at !== undefined) return this.#states.query(follower, at, message, options)
    const { clock } = this.#parts
    return waitFor(this.#queries.query(follower, message, clock.now()), clock, { ...options, timeoutMs })
  }

  async state(process: ProcessId, at?: Slot, options: CallOptions = {}): Promise<StateAnswer> {
    return this.#states.state(await this.#follower(process), at, options)
  }

  async lifecycle(process: ProcessId): Promise<Lifecycle> {
    const { module } = (await this.#follower(process)).process
    const kept = await this.#parts.log.store.get(storeKey('lifecycle', process))
    return kept === undefined ? { module, since: 0, changes: [], snapshots: [] } : decodeLifecycle(kept)
  }

  async timers(process: ProcessId): Promise<readonly Timer[]> {
    await this.#follower(process)
    const kept = await this.#parts.log.store.get(timersKey(process))
    return kept === undefined ? [] : decodeTimers(kept)
  }

  async checkUpgrade(process: ProcessId, wish: UpgradeWish, options: CallOptions = {}): Promise<UpgradeCheck> {
    const [follower, { since }] = await Promise.all([this.#follower(process), this.lifecycle(process)])
    const { log, clock } = this.#parts
    await loadModules(this.#seats.query, [wish.module], modulesOf(log.directory))
    const parts = { seat: this.#seats.query, past: this.#past, now: () => clock.now() }
    return checkUpgrade(parts, follower, { ...wish, since }, options)
  }

  async cell(process: ProcessId, key: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await (await this.#follower(process)).read({ kind: 'cell', process, key })
    return answer.kind === 'bytes' ? answer.bytes : undefined
  }

  async memory(process: ProcessId): Promise<{ slot: Slot; memory: Uint8Array }> {
    const answer = await (await this.#follower(process)).read({ kind: 'memory', process })
    if (answer.kind !== 'bytes' || answer.bytes === undefined) throw new Failure('host-fault')
    return { slot: answer.slot - 1, memory: answer.bytes }
  }

  /** Slots at which a process can be opened without replaying from the start, oldest first. */
  async checkpointsOf(process: ProcessId): Promise<readonly Slot[]> {
    return (await this.#checkpoints.list(process)).map(head => head.slots)
  }

  /** Writes a checkpoint of a process that is loaded. */
  async checkpoint(process: ProcessId): Promise<void> {
    await (await this.#follower(process)).checkpoint()
  }

  /** Writes a checkpoint of every process that is loaded; gives how many. */
  async checkpointAll(): Promise<number> {
    await Promise.allSettled(this.#followers.values())
    const followers = [...this.#opened].filter(one => one.inHost)
    await Promise.all(followers.map(follower => follower.checkpoint()))
    return followers.length
  }

  async #resultBytes(process: ProcessId, slot: Slot, options: CallOptions = {}): Promise<Uint8Array> {
    const follower = await this.#follower(process)
    if (slot >= follower.scheduled) throw new Failure('unknown-slot', { process, slot, scheduled: follower.scheduled })
    if (slot >= follower.evaluated) {
      await waitFor(follower.reached(slot), this.#parts.clock, { timeoutMs: RESULT_WAIT_MS, ...options })
    }
    const bytes = (await this.#resultsAt(process, slot)).at(slot)
    if (bytes === undefined) throw new Failure('internal', { process, slot })
    return bytes
  }

  /** The results of the frame that holds an evaluated slot. */
  async #resultsAt(process: ProcessId, slot: Slot): Promise<FrameResults> {
    const kept = this.#recent.find(process, slot)?.results ?? (await this.#results.frameOf(process, slot))
    if (kept !== undefined) return kept
    // The cache lost it: evaluating the feed again brings it back.
    await (await this.#follower(process)).ready()
    const again = await this.#results.frameOf(process, slot)
    if (again === undefined) throw new Failure('internal', { process, slot })
    return again
  }

  #follower(process: ProcessId): Promise<Follower> {
    const known = this.#followers.get(process)
    if (known !== undefined) return known
    const opening = this.#parts.log.directory.process(process).then(description => {
      if (description === undefined) throw new Failure('unknown-process', { process })
      return this.#makeFollower(description)
    })
    return this.#keep(process, opening)
  }

  #openFollower(process: ProcessDescription): Promise<Follower> {
    return this.#keep(process.id, this.#makeFollower(process))
  }

  #keep(process: ProcessId, opening: Promise<Follower>): Promise<Follower> {
    this.#followers.set(process, opening)
    opening.catch(() => this.#followers.delete(process))
    return opening
  }

  async #makeFollower(process: ProcessDescription): Promise<Follower> {
    const { schedulers } = process.policy
    const trusted = schedulers.length === 1 && schedulers[0] === this.#parts.key
    const follower = await Follower.open(process, this.#partsFor(this.#seats.of(process.id), trusted))
    this.#opened.add(follower)
    return follower
  }

  #partsFor(seat: HostSeat, trusted: boolean): FollowerParts {
    const known = this.#given.get(seat)
    if (known !== undefined) return known[trusted ? 1 : 0]
    const made = [this.#makeParts(seat, false), this.#makeParts(seat, true)] as const
    this.#given.set(seat, made)
    return made[trusted ? 1 : 0]
  }

  #makeParts(seat: HostSeat, trusted: boolean): FollowerParts {
    const { log, key, clock } = this.#parts
    return {
      log,
      key,
      seat,
      slow: this.#seats.slow,
      apart: this.#seats.apart,
      checkpoints: this.#checkpoints,
      results: this.#results,
      senders: this.#senders,
      trusted,
      now: () => clock.now(),
      sleep: (ms, signal) => clock.sleep(ms, { signal }),
      evaluated: frame => this.#evaluated(frame),
      timers: (description, timers) => this.#timers(description.id, timers),
      lifecycle: ({ id }, lifecycle) => {
        log.store.write([{ key: storeKey('lifecycle', id), value: encodeLifecycle(lifecycle) }])
      },
      progress: (description, evaluated, scheduled) => this.#parts.progress?.(description.id, evaluated, scheduled),
      trouble: (description, error) => this.#trouble(description.id, error),
    }
  }

  /** A result whose pushes are marked as this unit's own, if its word is enough. */
  #read(bytes: Uint8Array, { policy }: ProcessDescription): Result {
    const result = decodeResult(bytes)
    const isEnough = policy.computeQuorum === 1 && policy.computeUnits.includes(this.#parts.key)
    return isEnough ? OwnPush.mark(result, this) : result
  }

  #evaluated(frame: EvaluatedFrame): void {
    const { certificateBytes, results, outcome, process } = frame
    this.#recent.remember(process.id, { certificateBytes, results, count: outcome.count })
    const sending: Result[] = []
    // Most results ask for nothing: those are not taken apart.
    for (const position of outcome.sends) {
      const bytes = results.results[position]
      if (bytes !== undefined) sending.push(this.#read(bytes, process))
    }
    this.#parts.evaluated(frame, sending)
    for (const wake of this.#watchers.get(frame.process.id) ?? []) wake()
    this.#residency.evaluated()
  }

  #timers(process: ProcessId, timers: readonly Timer[]): void {
    const value = timers.length === 0 ? undefined : encodeTimers(timers)
    this.#parts.log.store.write([{ key: timersKey(process), value }])
    this.#parts.timers(process, timers)
  }

  #trouble(process: ProcessId, error: unknown): void {
    if (!this.#closed) this.#parts.trouble?.(process, Failure.from(error))
  }

  /** The certified frame that holds `slot`, from memory or from the feeds. */
  async #frameOf(process: ProcessDescription, slot: Slot): Promise<ProvenFrame> {
    const { log, key } = this.#parts
    const recent = this.#recent.find(process.id, slot)
    if (recent !== undefined) return recent
    const found = await findFrame(log, messagesFeed(process), slot)
    const certificateBytes = found && (await log.block(resultsFeed(process, key), found.index))
    if (certificateBytes === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    const results = await this.#resultsAt(process.id, slot)
    return { certificateBytes, results, count: results.count }
  }

  #proof(process: ProcessDescription, frame: ProvenFrame, slot: Slot): Omit<PushProof, 'outboxPath'> {
    const { certificateBytes, results } = frame
    const position = slot - results.firstSlot
    const resultHead = results.heads[position]
    if (resultHead === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    const unit = unitPosition(process.policy, this.#parts.key)
    frame.signature ??= this.sign(certificateBytes)
    return {
      resultHead,
      resultPath: pathIn(results.tree, position),
      certificate: decodeCertificate(certificateBytes),
      certificateBytes,
      signatures: unit < 0 ? [] : [{ unit, signature: frame.signature }],
    }
  }

  /** Resolves at the next evaluated frame of a process, or when the signal ends the wait. */
  #growth(process: ProcessId, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watchers = this.#watchers.get(process) ?? new Set()
    this.#watchers.set(process, watchers)
    const wake = (): void => {
      watchers.delete(wake)
      if (watchers.size === 0) this.#watchers.delete(process)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    watchers.add(wake)
    signal?.addEventListener('abort', wake)
    if (this.#closed || signal?.aborted === true) wake()
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    await Promise.allSettled(this.#followers.values())
    const followers = [...this.#opened]
    this.#closed = true
    this.#residency[Symbol.dispose]()
    for (const follower of followers) follower.stop(new Failure('shutting-down'))
    const written = Promise.allSettled(followers.map(follower => follower.checkpoint()))
    await waitFor(written, this.#parts.clock, { timeoutMs: CLOSE_MAX_MS }).catch(() => undefined)
    for (const watchers of this.#watchers.values()) for (const wake of watchers) wake()
    await this.#seats[Symbol.asyncDispose]()
  }
}

function knownFrame({ index, bytes, senders }: ScheduledFrame): KnownFrame {
  return { index, bytes, verdicts: senders && trustedVerdicts(senders) }
}

const ignore = (): void => undefined
