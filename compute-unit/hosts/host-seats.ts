import { availableParallelism } from 'node:os'
import {
  EVALUATION_WALL_MAX_MS,
  type ProcessId,
  QUERY_HOST_IDLE_MAX_MS,
  QUERY_WALL_MAX_MS,
  SLOW_WALL_MAX_MS,
} from '../../protocol/index.ts'
import { HostSeat, type OpenHost, seatOf } from './host-pool.ts'

/** All hosts of a compute unit, by what they are for. */
export class HostSeats implements AsyncDisposable {
  /** Where processes are evaluated. */
  readonly #homes: readonly HostSeat[]
  /** Where those go on that brought their host down, away from all others. */
  readonly apart: HostSeat
  /** For dry-runs and past states: copies. */
  readonly query: HostSeat
  /** For slots that take long, and for queries that do: both give way to all else. */
  readonly slow: HostSeat
  readonly slowQuery: HostSeat

  constructor(open: OpenHost, hosts = Math.max(1, Math.min(8, availableParallelism() - 1))) {
    const onExit = (): void => undefined
    const home = { open, wallMaxMs: EVALUATION_WALL_MAX_MS, onExit }
    this.#homes = Array.from({ length: hosts }, () => new HostSeat(home))
    this.apart = new HostSeat({ ...home, endAfterMs: QUERY_HOST_IDLE_MAX_MS })
    this.query = new HostSeat({ open, wallMaxMs: QUERY_WALL_MAX_MS, onExit, endAfterMs: QUERY_HOST_IDLE_MAX_MS })
    const slow = { open, wallMaxMs: SLOW_WALL_MAX_MS, background: true, onExit, endAfterMs: QUERY_HOST_IDLE_MAX_MS }
    this.slow = new HostSeat(slow)
    this.slowQuery = new HostSeat(slow)
  }

  /** The seat that evaluates a process. */
  of(process: ProcessId): HostSeat {
    return seatOf(this.#homes, process)
  }

  get #all(): readonly HostSeat[] {
    return [...this.#homes, this.apart, this.query, this.slow, this.slowQuery]
  }

  /** Process ids of the hosts that are there. */
  get pids(): number[] {
    return this.#all.map(seat => seat.pid).filter(pid => pid !== undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(seat => seat[Symbol.asyncDispose]()))
  }
}
