import {
  type Clock,
  Failure,
  type KeyId,
  LANES_MAX,
  type Log,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { Ahead } from './ahead.ts'
import { checkScheduler } from './check-scheduler.ts'
import { expectBegun } from './expect-begun.ts'
import { Lane } from './lane.ts'
import type { LaneParts } from './lane-parts.ts'
import { RecentReceipts } from './recent-receipts.ts'

export interface LanesParts extends Pick<LaneParts, 'committing' | 'committed'> {
  /** Key of the scheduler that writes them. */
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  /** How blocks of a process are made durable that this scheduler has together with others. @throws {Failure} if it does not lead */
  commitOf?(process: ProcessDescription): Promise<LaneParts['commit']>
  /** Resolves when the feed of a process may be written to. @throws {Failure} `feed-behind` */
  confirm?: ((process: ProcessDescription) => Promise<void>) | undefined
  /** Whether anything more may be added to the feed of a process. @throws {Failure} `moved` if not */
  expectFree?(process: ProcessId): void
  /** Lanes held; idle ones above it are forgotten. */
  readonly lanesMax?: number | undefined
  /** Receipts that stay at hand. */
  readonly recentReceiptsMax?: number | undefined
  /** Commits of one process that may be under way at the same time. */
  readonly flightsMax?: number | undefined
}

/** Pause between looks for lanes to forget, while too many are busy. */
const FORGET_EVERY_MS = 1000

/** The lanes of a scheduler: at most one of each process, and of all that are idle only so many. */
export class Lanes implements AsyncDisposable {
  readonly #parts: LanesParts
  /** Least recently used first, once there are many. */
  readonly #lanes = new Map<ProcessId, Promise<Lane>>()
  /** Those of `#lanes` that are open. */
  readonly #open = new Map<ProcessId, Lane>()
  readonly #recent: RecentReceipts
  readonly #ahead = new Ahead()
  readonly #max: number
  readonly #stop = new AbortController()
  #forgetting: Promise<void> | undefined

  constructor(parts: LanesParts) {
    this.#parts = parts
    this.#max = parts.lanesMax ?? LANES_MAX
    this.#recent = new RecentReceipts(parts.recentReceiptsMax)
  }

  get size(): number {
    return this.#lanes.size
  }

  /** The lane of a process, if it is open and in order: for use in this very turn. */
  atHand(process: ProcessId): Lane | undefined {
    const lane = this.#open.get(process)
    const opening = this.#lanes.get(process)
    if (lane === undefined || opening === undefined || lane.broken) return undefined
    this.#touch(process, opening)
    return lane
  }

  /** The lane of a process, if somebody asked for it before. */
  opening(process: ProcessId): Promise<Lane> | undefined {
    return this.#lanes.get(process)
  }

  /** The lane of a process; `spawned` describes one that may have no slot yet. @throws {Failure} `unknown-process`, `not-scheduler` */
  async get(process: ProcessId, spawned: ProcessDescription | undefined): Promise<Lane> {
    for (let open = this.#lanes.get(process); open !== undefined; open = this.#lanes.get(process)) {
      let lane: Lane | undefined
      try {
        lane = await open
      } catch (error) {
        // Somebody asked before there was a process; a spawn tries for itself.
        if (spawned === undefined) throw error
      }
      if (lane !== undefined && !lane.broken) {
        this.#touch(process, open)
        return lane
      }
      // What of it is under way may become durable: its successor begins behind that.
      await lane?.drained()
      this.#forget(process, open)
    }
    const opening = this.#openLane(process, spawned)
    this.#lanes.set(process, opening)
    opening.then(
      lane => this.#open.set(process, lane),
      () => this.#forget(process, opening),
    )
    if (this.#lanes.size > this.#max)
      this.#forgetting ??= this.#forgetIdle().finally(() => {
        this.#forgetting = undefined
      })
    return opening
  }

  /** Many may find the same lane broken: none of them may take away its successor. */
  #forget(process: ProcessId, opening: Promise<Lane>): void {
    if (this.#lanes.get(process) !== opening) return
    this.#lanes.delete(process)
    this.#open.delete(process)
  }

  async #openLane(process: ProcessId, spawned: ProcessDescription | undefined): Promise<Lane> {
    const { log, clock, key, committing, committed, flightsMax } = this.#parts
    const description = (await log.directory.process(process)) ?? spawned
    if (description === undefined) throw new Failure('unknown-process', { process })
    const commit = await this.#parts.commitOf?.(description)
    if (commit === undefined) checkScheduler(description, key)
    await this.#parts.confirm?.(description)
    const now = (): number => clock.now()
    await expectBegun(log, description)
    const expectFree = (): void => this.#parts.expectFree?.(process)
    const lane = await Lane.open({
      log,
      recent: this.#recent,
      ahead: this.#ahead,
      process: description,
      flightsMax,
      now,
      expectFree,
      commit,
      committing,
      committed,
    })
    // Whoever held the process meanwhile has been told where its feed ends.
    expectFree()
    return lane
  }

  /** Closes the lane of a process once all that waits has its slot, or has failed. Whoever asks later opens another. */
  async close(process: ProcessId): Promise<void> {
    const opening = this.#lanes.get(process)
    const lane = await opening?.catch(() => undefined)
    if (opening !== undefined && lane !== undefined) {
      while (!lane.isStill) await lane.drained()
      lane.retire()
      this.#forget(process, opening)
    }
    this.#recent.forgetAll(process)
  }

  /** Puts the lane last in the line of those to be forgotten. */
  #touch(process: ProcessId, open: Promise<Lane>): void {
    if (this.#lanes.size < this.#max / 2 || this.#lanes.get(process) !== open) return
    this.#lanes.delete(process)
    this.#lanes.set(process, open)
  }

  /** Looks until there are few enough: in a burst all may be busy. */
  async #forgetIdle(): Promise<void> {
    const { signal } = this.#stop
    while (this.#lanes.size > this.#max && !signal.aborted) {
      await this.#forgetOldest(this.#max * 0.9)
      if (this.#lanes.size <= this.#max) return
      await this.#parts.clock.sleep(FORGET_EVERY_MS, { signal }).catch(() => undefined)
    }
  }

  async #forgetOldest(left: number): Promise<void> {
    const lanes: { process: ProcessId; opening: Promise<Lane>; lane: Lane }[] = []
    for (const [process, opening] of [...this.#lanes]) {
      const lane = await opening.catch(() => undefined)
      if (lane !== undefined) lanes.push({ process, opening, lane })
    }
    // At the start of a turn of the loop nobody is between being given a lane and using it.
    await new Promise<void>(resolve => setImmediate(resolve))
    for (const { process, opening, lane } of lanes) {
      if (this.#lanes.size <= left) return
      if (!lane.idle) continue
      lane.retire()
      this.#forget(process, opening)
    }
  }

  /** Resolves when nothing waits for its slot any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    const lanes = await Promise.allSettled(this.#lanes.values())
    for (const lane of lanes) if (lane.status === 'fulfilled') await lane.value.drained()
  }
}
