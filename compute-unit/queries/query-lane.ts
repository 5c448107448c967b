import {
  equalBytes,
  Failure,
  type Log,
  messagesFeed,
  type ProcessId,
  QUERIES_PENDING_MAX,
  type QueryAnswer,
  type QueryMessage,
} from '../../protocol/index.ts'
import type { Checkpoints } from '../kept/checkpoints.ts'
import { damaged } from '../hosts/faults.ts'
import type { Follower } from '../following/follower.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import { loadModules, modulesNamedIn, modulesOf } from '../kept/named-modules.ts'
import type { HostAnswer, HostRequest } from '../hosts/host-words.ts'
import { tooLong } from '../hosts/too-long.ts'
import { type VerdictParts, verdictsOn } from '../following/verdicts.ts'

interface Replica {
  /** Blocks of the feed in this copy of the state. */
  blocks: number
  generation: number
}

/** Copies kept in the query host at once. */
const REPLICAS_MAX = 16
/** Frames a copy may lag before it is cheaper to make it anew from a checkpoint. */
const LAG_MAX_FRAMES = 64

export interface QueryLaneParts {
  readonly seat: HostSeat
  /** What takes long is given up: others wait behind it. */
  readonly impatient: boolean
  readonly log: Log
  readonly senders: VerdictParts
  readonly checkpoints: Checkpoints
}

/**
 * Dry-runs, in a host of their own: they work on a copy of the state, so the longest query holds up nobody's
 * evaluation. A copy follows its process by evaluating the same frames, or starts from a fresh checkpoint.
 */
export class QueryLane {
  readonly #seat: HostSeat
  readonly #impatient: boolean
  readonly #log: Log
  readonly #senders: VerdictParts
  readonly #checkpoints: Checkpoints
  readonly #replicas = new Map<ProcessId, Replica>()
  /** Queries of one process prepare one after the other. */
  readonly #preparing = new Map<ProcessId, Promise<unknown>>()
  #pending = 0

  constructor(parts: QueryLaneParts) {
    this.#seat = parts.seat
    this.#impatient = parts.impatient
    this.#log = parts.log
    this.#senders = parts.senders
    this.#checkpoints = parts.checkpoints
  }

  /** What there is of a process is of a feed that no longer is. */
  forget(process: ProcessId): void {
    if (this.#replicas.delete(process)) void this.#seat.ask({ kind: 'close', process }).catch(() => undefined)
  }

  /** @throws {Failure} `busy`, `host-fault`; for what takes long, one of which `isTooLong` holds */
  async query(follower: Follower, message: QueryMessage, timestampMs: number): Promise<QueryAnswer> {
    if (this.#pending >= QUERIES_PENDING_MAX) throw new Failure('busy', { queries: this.#pending })
    this.#pending += 1
    const [held, seat] = [follower.hold(), this.#seat.hold()]
    // Not by `using`: a stack of what is to be disposed of costs a query as much as its way through the hosts' pipe.
    try {
      return await this.#query(follower, message, timestampMs)
    } catch (error) {
      // Another query took the host along: once more.
      if (!Failure.is(error, 'host-fault') || error.details['bystander'] !== true) throw error
      return await this.#query(follower, message, timestampMs)
    } finally {
      held[Symbol.dispose]()
      seat[Symbol.dispose]()
      this.#pending -= 1
    }
  }

  async #query(follower: Follower, message: QueryMessage, timestampMs: number): Promise<QueryAnswer> {
    try {
      const request = {
        kind: 'query',
        process: follower.process.id,
        message,
        timestampMs,
        impatient: this.#impatient,
      } as const
      const answer = await (this.#isPrepared(follower) ? this.#seat.ask(request) : this.#askPrepared(follower, request))
      if (answer.kind === 'too-long') throw tooLong(follower.process.id)
      if (answer.kind !== 'queried') throw new Failure('host-fault', { answer: answer.kind })
      const { slot, status, gas, error, output, log } = answer
      return { slot, status, gas, error, output, log }
    } catch (error) {
      // What is left of the copy there, if anything, is not what is thought of it here.
      const { id } = follower.process
      if (this.#preparing.has(id)) this.#replicas.delete(id)
      else this.forget(id)
      throw error
    }
  }

  /** Whether the copy is as new as the state, so that most queries wait for nothing but their answer. */
  #isPrepared({ process: { id }, evaluated, scheduled, nextBlock }: Follower): boolean {
    if (this.#preparing.has(id) || evaluated < scheduled) return false
    const replica = this.#replicas.get(id)
    if (replica?.generation !== this.#seat.generation || replica.blocks !== nextBlock) return false
    this.#use(id, replica)
    return true
  }

  async #askPrepared(follower: Follower, request: HostRequest): Promise<HostAnswer> {
    const { id } = follower.process
    const before = this.#preparing.get(id) ?? Promise.resolve()
    // Asked in the same turn as prepared, so that nobody closes the copy in between.
    const prepared = before
      .catch(() => undefined)
      .then(() => this.#prepare(follower))
      .then(() => ({ answer: this.#seat.ask(request) }))
    this.#preparing.set(id, prepared)
    const asked = await prepared.finally(() => {
      if (this.#preparing.get(id) === prepared) this.#preparing.delete(id)
    })
    return asked.answer
  }

  /** The least recently used one goes first. */
  #use(id: ProcessId, replica: Replica): void {
    this.#replicas.delete(id)
    this.#replicas.set(id, replica)
  }

  /** Brings the copy up to all that is evaluated. */
  async #prepare(follower: Follower): Promise<void> {
    await follower.reached(follower.scheduled - 1)
    const { id } = follower.process
    const replica = this.#replicas.get(id)
    const target = follower.nextBlock
    const fresh = replica?.generation === this.#seat.generation && target - replica.blocks <= LAG_MAX_FRAMES
    const current = fresh ? replica : await this.#open(follower)
    this.#use(id, current)
    for await (const frame of this.#log.blocks(messagesFeed(follower.process), current.blocks, target)) {
      using _modules = await loadModules(
        this.#seat,
        modulesNamedIn(frame, follower.process),
        modulesOf(this.#log.directory),
      )
      const verdicts = await verdictsOn(follower.process, current.blocks, frame, follower.trusted, this.#senders)
      const impatient = this.#impatient
      const answer = await this.#seat.ask({ kind: 'evaluate', process: id, frame, verdicts, steps: false, impatient })
      if (answer.kind === 'too-long') throw tooLong(id)
      current.blocks += 1
    }
    await this.#forgetOldest()
  }

  async #open(follower: Follower): Promise<Replica> {
    const { id, module: moduleId } = follower.process
    await follower.checkpoint()
    const find = modulesOf(this.#log.directory)
    const spawn = await this.#log.directory.spawnEnvelope(id)
    if (spawn === undefined) throw new Failure('unknown-process', { process: id })
    using _own = await loadModules(this.#seat, [moduleId], find)
    const generation = this.#seat.generation
    for (const head of (await this.#checkpoints.list(id)).reverse()) {
      const snapshot = await this.#checkpoints.read(id, head.slots)
      using _module = await loadModules(this.#seat, [head.module], find)
      const answer = await this.#seat
        .ask({ kind: 'open', process: id, module: head.module, spawn, snapshot })
        .catch(damaged)
      if (answer?.kind !== 'opened' || !equalBytes(answer.stateRoot, head.stateRoot)) continue
      return { blocks: head.blocks, generation }
    }
    await this.#seat.ask({ kind: 'open', process: id, module: moduleId, spawn, snapshot: undefined })
    return { blocks: 0, generation }
  }

  async #forgetOldest(): Promise<void> {
    if (this.#replicas.size <= REPLICAS_MAX) return
    const oldest = this.#replicas.keys().next().value
    if (oldest === undefined || this.#preparing.has(oldest)) return
    this.#replicas.delete(oldest)
    await this.#seat.ask({ kind: 'close', process: oldest })
  }
}
