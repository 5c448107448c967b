import {
  type Clock,
  type CoSignAnswer,
  type CoSigners,
  type CoSignRequest,
  decodeEnvelope,
  decodeFrame,
  describeProcess,
  type Envelope,
  encodeEnvelope,
  Failure,
  fromBase64Url,
  type KeyId,
  LANES_MAX,
  type Log,
  type NewBlock,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  asProcessId,
  SCHEDULERS_MAX,
  type ScheduleRequest,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import type { CommittedFrame } from '../lanes/committed-frame.ts'
import { expectBegun } from '../lanes/expect-begun.ts'
import { SettledFeed } from '../lanes/settled-feed.ts'
import { checkBlocks, type CheckParts } from './check-blocks.ts'
import type { Seat } from '../lanes/outcome.ts'
import { Course } from './course.ts'
import { Proposer } from './proposer.ts'
import { Voter } from './voter.ts'

/** What it takes to schedule processes together with other nodes. */
export interface Together extends Pick<CheckParts, 'learnModule' | 'timers'> {
  /** Ed25519 seed of this scheduler's key: it signs with others. */
  readonly seed: Uint8Array
  readonly peers: CoSigners & Pick<Peers, 'schedule' | 'frames'>
  /** Frames that settled without having been scheduled here. */
  settled(frames: readonly CommittedFrame[]): void
}

export interface CoSignedParts extends CheckParts, Together {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  seatHere(request: ScheduleRequest): Promise<Seat>
  /** Whether nothing more is voted for of a process. */
  isHeld(process: ProcessId): boolean
}

/** How long what was voted for may take to settle, once nothing else is. */
const STILL_LOOKS_MAX = 20
const STILL_PAUSE_MS = 100

/** The processes that this node schedules together with others. */
export class CoSignedProcesses {
  readonly #parts: CoSignedParts
  /** Least recently opened first. */
  readonly #courses = new Map<ProcessId, Promise<Course>>()

  constructor(parts: CoSignedParts) {
    this.#parts = parts
  }

  /** Goes on where it stopped: what was settled meanwhile is taken over, what was accepted settles. */
  async resume(): Promise<void> {
    const { log } = this.#parts
    for await (const { key } of log.store.range({ gte: KNOWN, lt: KNOWN_END })) {
      const process = await log.directory.process(asProcessId(toBase64Url(key.subarray(KNOWN.length))))
      if (process === undefined || !isShared(process)) continue
      void this.#course(process)
        .then(async course => {
          await course.catchUp()
          if (course.voter.unsettled !== undefined) course.settleSoon()
        })
        .catch(() => undefined)
    }
  }

  /** The way to whoever leads the process that a request is for; nothing if one scheduler alone has it. */
  async courseOf(request: ScheduleRequest): Promise<Course | undefined> {
    const { directory } = this.#parts.log
    const opening = this.#courses.get(request.process)
    if (opening !== undefined) return opening
    const process = (await directory.process(request.process)) ?? spawnedBy(request)
    return process !== undefined && this.#isOurs(process) ? this.#course(process) : undefined
  }

  /** The same for a process that has been spawned. */
  async known(id: ProcessId): Promise<Course | undefined> {
    const process = await this.#parts.log.directory.process(id)
    return process !== undefined && this.#isOurs(process) ? this.#course(process) : undefined
  }

  /** How the lane of a process that this node leads commits; nothing if one scheduler alone has it. @throws {Failure} `no-quorum` */
  async commitOf(process: ProcessDescription): Promise<((blocks: readonly NewBlock[]) => Promise<void>) | undefined> {
    if (!this.#isOurs(process)) return undefined
    const { proposer } = await this.#course(process)
    if (!proposer.leads) throw new Failure('no-quorum', { process: process.id }, { note: 'another scheduler leads' })
    return blocks => proposer.commit(blocks)
  }

  /** Answers another scheduler. @throws {Failure} `unknown-process`, `not-scheduler` */
  async answer(from: KeyId, request: CoSignRequest): Promise<CoSignAnswer> {
    const opening = this.#courses.get(request.process)
    const course = opening === undefined ? await this.#meet(from, request) : await opening
    const { process, feed } = course.voter
    if (!feed.signers.includes(from)) throw new Failure('not-scheduler', { process: process.id, scheduler: from })
    if (process.epoch !== request.epoch) return { kind: 'refused', reason: `it is in epoch ${process.epoch}` }
    return course.voter.answer(from, request)
  }

  /** Whether all that this node voted for of a process that is held has settled, or does soon: nothing else can be added with its vote. */
  async isStill(process: ProcessId): Promise<boolean> {
    try {
      const course = await this.known(process)
      for (let looks = 1; course !== undefined && !(await course.voter.isStill()); looks++) {
        if (looks > STILL_LOOKS_MAX) return false
        course.settleSoon()
        await this.#parts.clock.sleep(STILL_PAUSE_MS, { for: 'wait' })
      }
      return true
    } catch (error) {
      // Its feed has not begun here: nothing was voted for.
      return Failure.is(error, 'moved')
    }
  }

  /** Who schedules a process has changed: the next course of it is of its new epoch. */
  async moved(process: ProcessId): Promise<void> {
    const course = await this.#courses.get(process)?.catch(() => undefined)
    course?.close()
    this.#courses.delete(process)
  }

  async close(): Promise<void> {
    for (const course of await Promise.allSettled(this.#courses.values())) {
      if (course.status === 'fulfilled') course.value.close()
    }
  }

  /** The course of a process that this node schedules with others. @throws {Failure} `not-scheduler`, `moved` */
  #course(process: ProcessDescription): Promise<Course> {
    const known = this.#courses.get(process.id)
    if (known !== undefined) return known
    checkQuorum(process)
    const opening = this.#open(process)
    this.#courses.set(process.id, opening)
    opening.catch(() => this.#courses.delete(process.id))
    if (this.#courses.size > LANES_MAX) void this.#forgetOne()
    return opening
  }

  /** Opens a course for one of the process's own schedulers, and for nobody else. */
  async #meet(from: KeyId, request: CoSignRequest): Promise<Course> {
    const known = await this.#parts.log.directory.process(request.process)
    const process = known ?? spawnedIn(request)
    if (process === undefined || process.id !== request.process)
      throw new Failure('unknown-process', { process: request.process })
    if (!this.#isOurs(process)) throw new Failure('not-scheduler', { process: process.id, here: this.#parts.key })
    if (!process.policy.schedulers.includes(from))
      throw new Failure('not-scheduler', { process: process.id, scheduler: from })
    return this.#course(process)
  }

  #isOurs(process: ProcessDescription): boolean {
    return isShared(process) && process.policy.schedulers.includes(this.#parts.key)
  }

  async #open(process: ProcessDescription): Promise<Course> {
    const { key, seed, clock, peers, log } = this.#parts
    const opened: { course?: Course } = {}
    await expectBegun(log, process)
    const voter = await Voter.open({
      key,
      clock,
      seed,
      log,
      process,
      peers,
      check: (description, base, blocks) => checkBlocks(this.#parts, description, base, blocks),
      settled: frames => this.#parts.settled(frames),
      isHeld: () => this.#parts.isHeld(process.id),
      begun: () => log.store.write([{ key: knownKey(process.id), value: new Uint8Array([1]) }]),
      accepted: () => opened.course?.settleSoon(),
      forgot: () => void opened.course?.catchUp(),
    })
    const spawn = async (): Promise<Uint8Array | undefined> => {
      const first = voter.unsettled?.blocks[0]
      const [assignment] = first === undefined ? [] : decodeFrame(first).assignments
      return (assignment && encodeEnvelope(assignment.envelope)) ?? opened.course?.spawnEnvelope
    }
    const proposer = new Proposer({ key, seed, clock, peers, voter, spawn })
    opened.course = new Course({
      key,
      clock,
      peers,
      voter,
      proposer,
      settled: new SettledFeed(log, process),
      seatHere: request => this.#parts.seatHere(request),
    })
    return opened.course
  }

  /** What it has promised stands on disk: it can be opened again. */
  async #forgetOne(): Promise<void> {
    for (const [id, opening] of this.#courses) {
      const course = await opening.catch(() => undefined)
      if (course?.idle !== true) continue
      course.close()
      this.#courses.delete(id)
      return
    }
  }
}

function isShared({ policy }: ProcessDescription): boolean {
  return policy.schedulers.length > 1
}

/** Two quorums have a scheduler in common, or two heads could have one each. @throws {Failure} `not-scheduler` */
function checkQuorum({ id, policy }: ProcessDescription): void {
  const { schedulers, schedulerQuorum } = policy
  if (2 * schedulerQuorum > schedulers.length && schedulers.length <= SCHEDULERS_MAX) return
  const note = `of several schedulers more than half must sign, and there are at most ${SCHEDULERS_MAX}`
  throw new Failure('not-scheduler', { process: id, schedulers: schedulers.length, quorum: schedulerQuorum }, { note })
}

/** The process that a request spawns. */
function spawnedBy({ process, envelope }: ScheduleRequest): ProcessDescription | undefined {
  if (envelope.kind !== 'item' && envelope.kind !== 'push') return undefined
  const spawned = describedBy(envelope)
  return spawned?.id === process ? spawned : undefined
}

function spawnedIn(request: CoSignRequest): ProcessDescription | undefined {
  if (request.kind === 'lead') return request.spawn && describedBy(decodeEnvelope(request.spawn))
  const [first] = request.kind === 'propose' && request.base === 0 ? request.blocks : []
  const [assignment] = first === undefined ? [] : decodeFrame(first).assignments
  return assignment && describedBy(assignment.envelope)
}

function describedBy(envelope: Envelope): ProcessDescription | undefined {
  try {
    return describeProcess(envelope)
  } catch {
    return undefined
  }
}

const KNOWN = toUtf8('scheduler/co-signed/')
const KNOWN_END = toUtf8('scheduler/co-signed0')

function knownKey(process: ProcessId): Uint8Array {
  const key = new Uint8Array(KNOWN.length + 32)
  key.set(KNOWN)
  key.set(fromBase64Url(process), KNOWN.length)
  return key
}
