import { FeedPull, News, ProloguePull } from '../../node/index.ts'
import {
  decodeFrame,
  Failure,
  type FeedGrowth,
  type FeedSpec,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
} from '../../protocol/index.ts'
import type { NodeRun } from './node-run.ts'

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 10_000

/**
 * What a node does to follow processes that are scheduled elsewhere: it takes their feeds over when it hears that they have
 * grown, and its compute unit evaluates them, believing nobody. On a network of machines streams of heads do this.
 */
export class Following {
  readonly #run: NodeRun
  readonly #pulls: FeedPull
  readonly #news: News
  readonly #prologues: ProloguePull
  readonly #keeping = new Map<ProcessId, { again: boolean }>()
  readonly #handing = new Map<ProcessId, Promise<void>>()

  constructor(run: NodeRun) {
    this.#run = run
    const { key, log, peers, clock, units, moves } = run
    const { reading } = units
    this.#prologues = new ProloguePull({
      key,
      log,
      clock: moves.clock,
      peers,
      connected: () => moves.connected,
      begun: async process => {
        if (!process.policy.computeUnits.includes(key)) return
        await reading.directory.module(process.module)
        units.computer.catchUp(process.id)
      },
      trouble: (what, failure) => moves.trouble(what, failure),
    })
    this.#pulls = new FeedPull({ key, log, peers, describe: id => reading.directory.process(id) })
    this.#news = new News({ clock, tell: (to, process) => peers.announce(to, [process]) })
    log.watch(growth => this.#grew(growth))
  }

  /** Goes on with what an earlier life followed, and tells others what it may not have told them. */
  async resume(): Promise<void> {
    const { key, log } = this.#run
    await this.#prologues.resume()
    for (const process of await log.directory.processes({ limit: 100_000 })) {
      if (process.policy.schedulers.includes(key)) this.committed(process)
      else if (process.policy.computeUnits.includes(key)) this.grown(process.id)
    }
  }

  /** A process that is scheduled here has a new frame: its compute units elsewhere are told. */
  committed({ id, policy }: ProcessDescription): void {
    for (const unit of policy.computeUnits) if (unit !== this.#run.key) this.#news.changed(unit, id)
  }

  /** A process is in a new epoch: its feed is another, and others have it. */
  moved(process: ProcessDescription): void {
    const { key } = this.#run
    this.#prologues.want(process)
    if (process.policy.schedulers.includes(key)) this.committed(process)
    else if (process.policy.computeUnits.includes(key)) this.grown(process.id)
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

  /** Takes over all that is new; ends when it has caught up. @throws {Failure} `unreachable`, `unknown-process` */
  async pull(process: ProcessId): Promise<void> {
    await this.#run.units.scheduler.catchUp(process)
    await this.#pulls.pull(process)
  }

  async #keepUp(process: ProcessId, keeping: { again: boolean }): Promise<void> {
    for (let pauseMs = RETRY_FIRST_MS; keeping.again; ) {
      keeping.again = false
      try {
        await this.pull(process)
        pauseMs = RETRY_FIRST_MS
      } catch (error) {
        const { blame, code } = Failure.from(error)
        if (blame !== 'transient' && code !== 'unknown-process') return
        keeping.again = true
        await this.#run.clock.sleep(pauseMs)
        pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs)
      }
    }
  }

  #grew({ feed, length, blocks }: FeedGrowth): void {
    if (feed.kind !== 'messages' || feed.signers.includes(this.#run.key)) return
    const id = feed.process
    const before = this.#handing.get(id) ?? Promise.resolve()
    const handing = before.then(() => this.#handOver(feed, length - blocks.length, blocks))
    const ended = handing.finally(() => {
      if (this.#handing.get(id) === ended) this.#handing.delete(id)
    })
    this.#handing.set(id, ended)
  }

  async #handOver(feed: FeedSpec, from: number, blocks: readonly Uint8Array[]): Promise<void> {
    for (let pauseMs = RETRY_FIRST_MS; ; pauseMs = Math.min(RETRY_MAX_MS, 2 * pauseMs)) {
      try {
        return await this.#hand(feed, from, blocks)
      } catch {
        await this.#run.clock.sleep(pauseMs)
      }
    }
  }

  async #hand({ process: id, epoch }: FeedSpec, from: number, blocks: readonly Uint8Array[]): Promise<void> {
    const { key, units } = this.#run
    const process = await units.reading.directory.process(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    // What comes late of the feed of an epoch that is over is for nobody.
    if (epoch !== process.epoch) return
    const counts = process.policy.computeUnits.includes(key)
    if (counts) await this.#learnAll(process, blocks)
    for (const [at, bytes] of blocks.entries()) {
      const frame = { index: from + at, bytes }
      if (counts) {
        units.messenger.scheduled(process, readFrameHead(bytes).firstSlot, bytes)
        units.computer.accept(process, frame)
      } else units.computer.notice(id, frame)
    }
  }

  async #learnAll({ module }: ProcessDescription, blocks: readonly Uint8Array[]): Promise<void> {
    const { directory } = this.#run.units.reading
    if ((await directory.module(module)) === undefined) throw new Failure('unknown-module', { module })
    for (const bytes of blocks) {
      for (const { envelope } of decodeFrame(bytes).assignments) {
        const message = envelope.kind === 'assign' ? envelope.message : envelope
        if (message.kind === 'push') await directory.process(message.push.core.from)
      }
    }
  }
}
