import type { Clock, Failure, Log, ProcessId } from '../../protocol/index.ts'

/** What is asked of a follower here. */
export interface Resident {
  readonly process: { readonly id: ProcessId }
  readonly inHost: boolean
  readonly idle: boolean
  readonly usedMs: number
  readonly sizeBytes: number
  hibernate(): Promise<void>
}

export interface ResidencyParts<One extends Resident> {
  readonly clock: Clock
  readonly store: Pick<Log['store'], 'flush'>
  /** Bytes of guests that hosts may hold. */
  readonly maxBytes: number
  /** Followers held in memory; idle ones above it are forgotten. */
  readonly followersMax: number
  /** All followers that are open. */
  readonly followers: Iterable<One>
  /** Whether somebody holds on to the follower of a process. */
  isWatched(process: ProcessId): boolean
  forget(follower: One): void
  trouble(process: ProcessId, error: Failure): void
}

/** V8 holds little more than this many instances; formats with an instance for each process need one. */
const PROCESSES_MAX = 12_000
/** Below this much nobody leaves for being idle: waking costs more than so little memory is worth. */
const COMFORTABLE_BYTES = 64 * 1024 * 1024
/** Idle for this long, a process leaves its host if hosts hold more than what is comfortable. */
const IDLE_MAX_MS = 60_000
const SWEEP_EVERY_MS = 2_000
/** A burst may load much between two sweeps by time. */
const SWEEP_EVERY_FRAMES = 512
/** Processes leave one after the other, so far apart that whoever is woken meanwhile hardly waits for them: a host serves one at a time. */
const LEAVE_APART_MS = 3
/** Where hosts hold so many times too much, or too many, there is no time for that: they leave in groups, with no pause. */
const MUCH_TOO_MUCH = 1.25
/** Processes that leave at once then, and bytes of them. */
const LEAVE_TOGETHER_MAX = 4
const LEAVE_TOGETHER_MAX_BYTES = 512 * 1024
/** Checkpoints that wait for the disk are in memory a second time. */
const UNWRITTEN_MAX_BYTES = 16 * 1024 * 1024

/**
 * Who stays loaded. Idle processes hibernate, the longest idle first, when hosts hold too much; followers are
 * forgotten, when there are too many. Both come back when somebody asks: from a checkpoint, and from the feeds.
 */
export class Residency<One extends Resident> implements Disposable {
  readonly #parts: ResidencyParts<One>
  readonly #stop = new AbortController()
  #frames = 0
  #unwrittenBytes = 0
  #sweeping: Promise<void> | undefined

  constructor(parts: ResidencyParts<One>) {
    this.#parts = parts
    void this.#sweepByTime()
  }

  /** A frame was evaluated. */
  evaluated(): void {
    this.#frames += 1
    if (this.#isBurst) void this.sweep()
  }

  /** Looks once; joins a look that is under way. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepOnce().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  async #sweepByTime(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#pause(SWEEP_EVERY_MS)
      if (!signal.aborted) await this.sweep()
    }
  }

  async #sweepOnce(): Promise<void> {
    do {
      this.#frames = 0
      const followers = [...this.#parts.followers]
      await this.#hibernateIdle(followers.filter(one => one.inHost))
      await this.#forgetIdle()
    } while (this.#isBurst && !this.#stop.signal.aborted)
  }

  get #isBurst(): boolean {
    return this.#frames >= SWEEP_EVERY_FRAMES
  }

  async #hibernateIdle(loaded: readonly One[]): Promise<void> {
    const { maxBytes, clock } = this.#parts
    const nowMs = clock.elapsed()
    const idleSinceMs = nowMs - IDLE_MAX_MS
    const comfortable = Math.min(maxBytes, COMFORTABLE_BYTES)
    let bytes = loaded.reduce((sum, one) => sum + one.sizeBytes, 0)
    if (loaded.length <= PROCESSES_MAX && bytes <= comfortable) return
    let count = loaded.length
    let leaving: One[] = []
    let leavingBytes = 0
    for (const follower of loaded.toSorted((a, b) => a.usedMs - b.usedMs)) {
      const tooMuch = bytes > maxBytes || count > PROCESSES_MAX
      const isUrgent = bytes > maxBytes * MUCH_TOO_MUCH || count > PROCESSES_MAX
      if (!tooMuch && (bytes <= comfortable || follower.usedMs > idleSinceMs)) break
      // Who was used while others left is no longer the longest idle.
      if (!follower.idle || follower.usedMs > nowMs) continue
      bytes -= follower.sizeBytes
      count -= 1
      leavingBytes += follower.sizeBytes
      leaving.push(follower)
      if (isUrgent && leaving.length < LEAVE_TOGETHER_MAX && leavingBytes < LEAVE_TOGETHER_MAX_BYTES) continue
      await this.#hibernate(leaving, leavingBytes)
      leaving = []
      leavingBytes = 0
      if (!isUrgent) await this.#pause(LEAVE_APART_MS)
      // What a burst loaded meanwhile may be much too much: that is looked at anew.
      if (this.#stop.signal.aborted || (!isUrgent && this.#isBurst)) return
    }
    await this.#hibernate(leaving, leavingBytes)
  }

  async #hibernate(followers: readonly One[], bytes: number): Promise<void> {
    await Promise.all(
      followers.map(follower =>
        follower.hibernate().catch((error: Failure) => this.#parts.trouble(follower.process.id, error)),
      ),
    )
    this.#unwrittenBytes += bytes
    if (this.#unwrittenBytes < UNWRITTEN_MAX_BYTES) return
    this.#unwrittenBytes = 0
    await this.#parts.store.flush().catch(() => undefined)
  }

  async #pause(ms: number): Promise<void> {
    await this.#parts.clock.sleep(ms, { signal: this.#stop.signal, for: 'upkeep' }).catch(() => undefined)
  }

  async #forgetIdle(): Promise<void> {
    // At the start of a turn of the loop nobody is between being given a follower and using it.
    await new Promise<void>(resolve => setImmediate(resolve))
    const followers = [...this.#parts.followers]
    const excess = followers.length - this.#parts.followersMax
    if (excess <= 0) return
    const unused = followers.filter(one => one.idle && !one.inHost && !this.#parts.isWatched(one.process.id))
    for (const follower of unused.toSorted((a, b) => a.usedMs - b.usedMs).slice(0, excess)) this.#parts.forget(follower)
  }

  /** Nobody leaves any more who is not on the way out. */
  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}
