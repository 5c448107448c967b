import {
  type CallOptions,
  type Clock,
  Failure,
  type ProcessId,
  QUERY_WALL_MAX_MS,
  type QueryAnswer,
  type QueryMessage,
  SLOW_FOR_MS,
  SLOW_KNOWN_MAX,
  waitFor,
} from '../../protocol/index.ts'
import type { Follower } from '../following/follower.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import { Patience } from '../patience.ts'
import { QueryLane, type QueryLaneParts } from './query-lane.ts'
import { isTooLong } from '../hosts/too-long.ts'

/** Dry-runs: what takes long goes on where it holds up only others that do, and the process asks there for a while. */
export class QueryLanes implements Disposable {
  readonly #quick: QueryLane
  readonly #slow: QueryLane
  readonly #clock: Clock
  readonly #patience: Patience
  /** Processes whose queries took long lately, and until when that counts. */
  readonly #slowUntil = new Map<ProcessId, number>()

  constructor({
    slowSeat,
    clock,
    ...parts
  }: Omit<QueryLaneParts, 'impatient'> & { readonly slowSeat: HostSeat; readonly clock: Clock }) {
    this.#quick = new QueryLane({ ...parts, impatient: true })
    this.#slow = new QueryLane({ ...parts, seat: slowSeat, impatient: false })
    this.#clock = clock
    this.#patience = new Patience(clock, QUERY_WALL_MAX_MS)
  }

  /** @throws {Failure} `busy`, `host-fault`, `timeout`, `aborted` */
  query(follower: Follower, message: QueryMessage, { signal, timeoutMs }: CallOptions): Promise<QueryAnswer> {
    const answer = this.#query(follower, message, this.#clock.now())
    if (signal === undefined && timeoutMs === undefined) return this.#patience.within(answer)
    return waitFor(answer, this.#clock, { signal, timeoutMs: timeoutMs ?? QUERY_WALL_MAX_MS })
  }

  async #query(follower: Follower, message: QueryMessage, nowMs: number): Promise<QueryAnswer> {
    const { id } = follower.process
    if (this.#isSlow(id)) return this.#slow.query(follower, message, nowMs)
    try {
      return await this.#quick.query(follower, message, nowMs)
    } catch (error) {
      // Those asked at the same time find the copy gone that was given up.
      const isGone = Failure.is(error, 'host-fault') && this.#isSlow(id)
      if (!isTooLong(error) && !isGone) throw error
      this.#note(id)
      return this.#slow.query(follower, message, nowMs)
    }
  }

  #isSlow(process: ProcessId): boolean {
    return (this.#slowUntil.get(process) ?? 0) > this.#clock.elapsed()
  }

  #note(process: ProcessId): void {
    this.#slowUntil.delete(process)
    this.#slowUntil.set(process, this.#clock.elapsed() + SLOW_FOR_MS)
    for (const oldest of this.#slowUntil.keys()) {
      if (this.#slowUntil.size <= SLOW_KNOWN_MAX) break
      this.#slowUntil.delete(oldest)
    }
  }

  /** What there is of a process is of a feed that no longer is. */
  forget(process: ProcessId): void {
    this.#quick.forget(process)
    this.#slow.forget(process)
  }

  /** No query is given up any more. */
  [Symbol.dispose](): void {
    this.#patience[Symbol.dispose]()
  }
}
