import {
  type Clock,
  Failure,
  type KeyId,
  type Log,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { Follower } from './follower.ts'
import type { FollowerParts } from './follower-parts.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import type { HostSeats } from '../hosts/host-seats.ts'
import { Residency } from './residency.ts'

export interface FollowersParts {
  /** This node's key: what its own scheduler admitted is believed. */
  readonly key: KeyId
  readonly log: Pick<Log, 'directory' | 'store'>
  readonly clock: Clock
  readonly seats: HostSeats
  /** Bytes of guests held in hosts; idle ones above it hibernate. */
  readonly residentMaxBytes: number
  /** Followers held in memory; idle ones above it are forgotten. */
  readonly followersMax: number
  /** What each of them is given, wherever it runs. */
  readonly common: Omit<FollowerParts, 'seat' | 'slow' | 'apart' | 'trusted'>
  /** Whether somebody holds on to the follower of a process. */
  isWatched(process: ProcessId): boolean
  /** One is gone from memory until somebody asks for it: so may be what else is kept at hand of its process. */
  forgotten(process: ProcessId): void
  trouble(process: ProcessId, error: unknown): void
}

/** The followers of a compute unit: one for each process that was asked for lately. */
export class Followers implements Disposable {
  readonly #parts: FollowersParts
  readonly #byProcess = new Map<ProcessId, Promise<Follower>>()
  /** Those that are open. */
  readonly #opened = new Map<ProcessId, Follower>()
  /** What they are given, by their host and whether they trust their scheduler: there are many of them. */
  readonly #given = new Map<HostSeat, readonly [FollowerParts, FollowerParts]>()
  readonly #residency: Residency<Follower>

  constructor(parts: FollowersParts) {
    this.#parts = parts
    this.#residency = new Residency({
      clock: parts.clock,
      store: parts.log.store,
      maxBytes: parts.residentMaxBytes,
      followersMax: parts.followersMax,
      followers: { [Symbol.iterator]: () => this.#opened.values() },
      isWatched: process => parts.isWatched(process),
      forget: follower => {
        this.#opened.delete(follower.process.id)
        this.#byProcess.delete(follower.process.id)
        parts.forgotten(follower.process.id)
      },
      trouble: (process, error) => parts.trouble(process, error),
    })
  }

  /** Processes that have one. */
  get size(): number {
    return this.#byProcess.size
  }

  /** That of a process, if there is one already. */
  known(process: ProcessId): Promise<Follower> | undefined {
    return this.#byProcess.get(process)
  }

  /** @throws {Failure} `unknown-process` */
  of(process: ProcessId): Promise<Follower> {
    return this.#byProcess.get(process) ?? this.#keep(process, this.#find(process))
  }

  /** That of a process, if it is open, and the description is not of an epoch that is over. */
  atHand(process: ProcessDescription): Follower | undefined {
    return this.#isOver(process) ? undefined : this.#opened.get(process.id)
  }

  /**
   * Tells something to that of a process, at once if it is open; nobody, if the description is of an epoch that is over: what comes
   * of that is evaluated no more.
   */
  tell(process: ProcessDescription, say: (follower: Follower) => void): void {
    if (this.#isOver(process)) return
    const opened = this.#opened.get(process.id)
    try {
      if (opened !== undefined) return say(opened)
    } catch (error) {
      // Whoever tells it has nothing to do with that.
      return this.#parts.trouble(process.id, error)
    }
    const opening = this.#byProcess.get(process.id) ?? this.#keep(process.id, this.#open(process))
    opening.then(say).catch(error => this.#parts.trouble(process.id, error))
  }

  /** All that are open, once those have opened that are about to. */
  async all(): Promise<readonly Follower[]> {
    await Promise.allSettled(this.#byProcess.values())
    return [...this.#opened.values()]
  }

  /** Ends that of a process without a checkpoint; whoever waits for it is told why. */
  async end(process: ProcessId, why: Failure): Promise<void> {
    const opening = this.#byProcess.get(process)
    this.#byProcess.delete(process)
    this.#opened.delete(process)
    const follower = await opening?.catch(() => undefined)
    if (follower === undefined) return
    await follower.leave(why)
  }

  /** One of them has evaluated a frame. */
  evaluated(): void {
    this.#residency.evaluated()
  }

  [Symbol.dispose](): void {
    this.#residency[Symbol.dispose]()
  }

  #keep(process: ProcessId, opening: Promise<Follower>): Promise<Follower> {
    this.#byProcess.set(process, opening)
    opening.then(
      follower => {
        // It may have been ended while it opened.
        if (this.#byProcess.get(process) === opening) this.#opened.set(process, follower)
      },
      () => {
        if (this.#byProcess.get(process) === opening) this.#byProcess.delete(process)
      },
    )
    return opening
  }

  #isOver({ id, epoch }: ProcessDescription): boolean {
    return epoch < (this.#parts.log.directory.processAtHand(id)?.epoch ?? epoch)
  }

  async #find(process: ProcessId): Promise<Follower> {
    const description = await this.#parts.log.directory.process(process)
    if (description === undefined) throw new Failure('unknown-process', { process })
    return this.#open(description)
  }

  async #open(process: ProcessDescription): Promise<Follower> {
    const { schedulers } = process.policy
    const isTrusted = schedulers.length === 1 && schedulers[0] === this.#parts.key
    const [given, trusting] = this.#givenAt(this.#parts.seats.of(process.id))
    return Follower.open(process, isTrusted ? trusting : given)
  }

  #givenAt(seat: HostSeat): readonly [FollowerParts, FollowerParts] {
    const known = this.#given.get(seat)
    if (known !== undefined) return known
    const { common, seats } = this.#parts
    const parts = { ...common, seat, slow: seats.slow, apart: seats.apart }
    const made = [
      { ...parts, trusted: false },
      { ...parts, trusted: true },
    ] as const
    this.#given.set(seat, made)
    return made
  }
}
