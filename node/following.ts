import {
  type Clock,
  decodeFrame,
  Failure,
  type FeedGrowth,
  type KeyId,
  type Log,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
} from '../protocol/index.ts'
import type { Learning } from './learning.ts'
import { News } from './news.ts'

export interface FollowingParts extends Learning {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Peers
  readonly units: () => Followers | undefined
  trouble(what: string, failure: Failure): void
}

/** Who hears of new blocks. */
interface Followers {
  readonly messenger: {
    scheduled(process: ProcessDescription, firstSlot: number, frameBytes: Uint8Array): void
  }
  readonly computer: {
    accept(process: ProcessDescription, frame: { index: number; bytes: Uint8Array }): void
    notice(process: ProcessId, frame: { index: number; bytes: Uint8Array }): void
  }
}

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 10_000
const PROCESSES_PAGE = 256

/**
 * Processes that are scheduled elsewhere: their feeds are taken over, and what this node is a compute unit of is evaluated.
 *
 * 1. Blocks are taken over only under a head that their scheduler signed; whoever gave them is not believed.
 * 2. Before a block goes to the compute unit, the module and the senders it names are known here.
 * 3. A scheduler tells the compute units of its processes that there is more; whoever reads asks by themselves.
 */
export class Following implements AsyncDisposable {
  readonly #parts: FollowingParts
  readonly #news: News | undefined
  readonly #pulling = new Map<ProcessId, Promise<void>>()
  readonly #keeping = new Map<ProcessId, { again: boolean }>()
  readonly #handing = new Map<ProcessId, Promise<void>>()
  readonly #watch: Disposable
  readonly #stop = new AbortController()

  constructor(parts: FollowingParts) {
    this.#parts = parts
    const { log, clock, peers } = parts
    const { units } = peers
    this.#news = units && new News({ clock, tell: (to, process) => units.grown(to, process) })
    this.#watch = log.watch(growth => this.#grew(growth))
  }

  /** Goes on with what an earlier run followed, and tells others what it may not have told them. */
  async resume(): Promise<void> {
    const { key, log } = this.#parts
    let after: ProcessId | undefined
    for (;;) {
      const page = await log.directory.processes({ after, limit: PROCESSES_PAGE })
      for (const process of page) {
        if (process.policy.schedulers[0] === key) this.committed(process)
        else if (process.policy.computeUnits.includes(key)) this.grown(process.id)
      }
      after = page.at(-1)?.id
      if (page.length < PROCESSES_PAGE) return
    }
  }

  /** A process that is scheduled here has a new frame: its compute units elsewhere are told. */
  committed({ id, policy }: ProcessDescription): void {
    for (const unit of policy.computeUnits)
      if (unit !== this.#parts.key) this.#news?.changed(unit, id)
  }

  /** Somebody says that the feed of a process has grown: it is taken over until that has succeeded. */
  grown(process: ProcessId): void {
    const keeping = this.#keeping.get(process)
    if (keeping !== undefined) {
      keeping.again = true
      return
    }
    const started = { again: true }
    this.#keeping.set(process, started)
    void this.#keepUp(process, started).finally(() => this.#keeping.delete(process))
  }

  /** Takes over all that is new; ends when it has caught up. @throws {Failure} `unreachable`, `unknown-process`, `feed-frozen` */
  pull(process: ProcessId): Promise<void> {
    const before = this.#pulling.get(process) ?? Promise.resolve()
    const pulling = before.catch(() => undefined).then(() => this.#pull(process))
    const ended = pulling.finally(() => {
      if (this.#pulling.get(process) === ended) this.#pulling.delete(process)
    })
    this.#pulling.set(process, ended)
    return ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Failure('shutting-down'))
    this.#news?.stop()
    this.#watch[Symbol.dispose]()
  }

  async #keepUp(process: ProcessId, keeping: { again: boolean }): Promise<void> {
    const { clock, trouble } = this.#parts
    const { signal } = this.#stop
    for (let pauseMs = RETRY_FIRST_MS; keeping.again && !signal.aborted; ) {
      keeping.again = false
      try {
        await this.pull(process)
        pauseMs = RETRY_FIRST_MS
      } catch (error) {
        const failure = Failure.from(error)
        trouble(`follow ${process}`, failure)
        // Whoever schedules it said so: it will be found.
        if (failure.blame !== 'transient' && failure.code !== 'unknown-process') return
        keeping.again = true
        await clock.sleep(pauseMs, { signal }).catch(() => undefined)
        pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs)
      }
    }
  }

  async #pull(id: ProcessId): Promise<void> {
    const { log, peers, key, describe } = this.#parts
    const process = await describe(id)
    const scheduler = process?.policy.schedulers[0]
    if (process === undefined || scheduler === undefined)
      throw new Failure('unknown-process', { process: id })
    if (scheduler === key) return
    const feed = messagesFeed(process)
    for (;;) {
      const piece = await peers.frames(scheduler, id, await log.length(feed))
      if (piece === undefined) return
      const { status, length } = await log.take(feed, piece)
      if (status === 'conflict') throw new Failure('feed-frozen', { process: id })
      if (status !== 'taken')
        throw new Failure('unreachable', { process: id, scheduler, status, length })
    }
  }

  /** Blocks that were taken over are for this node's own compute unit, if its word counts. */
  #grew({ feed, length, blocks }: FeedGrowth): void {
    if (feed.kind !== 'messages' || feed.signers[0] === this.#parts.key) return
    const before = this.#handing.get(feed.process)
    const handing = (before ?? Promise.resolve()).then(() =>
      this.#handOver(feed.process, length - blocks.length, blocks),
    )
    const ended = handing.finally(() => {
      if (this.#handing.get(feed.process) === ended) this.#handing.delete(feed.process)
    })
    this.#handing.set(feed.process, ended)
  }

  async #handOver(id: ProcessId, from: number, blocks: readonly Uint8Array[]): Promise<void> {
    const { clock, trouble } = this.#parts
    const { signal } = this.#stop
    for (
      let pauseMs = RETRY_FIRST_MS;
      !signal.aborted;
      pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs)
    ) {
      try {
        return await this.#hand(id, from, blocks)
      } catch (error) {
        trouble(`follow ${id}`, Failure.from(error))
        await clock.sleep(pauseMs, { signal }).catch(() => undefined)
      }
    }
  }

  async #hand(id: ProcessId, from: number, blocks: readonly Uint8Array[]): Promise<void> {
    const { key, describe, units } = this.#parts
    const process = await describe(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    const counts = process.policy.computeUnits.includes(key)
    if (counts) await this.#learnAll(process, blocks)
    const { messenger, computer } = units() ?? {}
    for (const [at, bytes] of blocks.entries()) {
      const frame = { index: from + at, bytes }
      if (counts) {
        messenger?.scheduled(process, readFrameHead(bytes).firstSlot, bytes)
        computer?.accept(process, frame)
      } else computer?.notice(id, frame)
    }
  }

  async #learnAll({ module }: ProcessDescription, blocks: readonly Uint8Array[]): Promise<void> {
    const { describe, learnModule } = this.#parts
    if ((await learnModule(module)) === undefined) throw new Failure('unknown-module', { module })
    for (const bytes of blocks) {
      for (const { envelope } of decodeFrame(bytes).assignments) {
        const message = envelope.kind === 'assign' ? envelope.message : envelope
        if (message.kind === 'push') await describe(message.push.core.from)
      }
    }
  }
}
