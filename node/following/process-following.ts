import { modulesNamedIn } from '../../compute-unit/index.ts'
import {
  asProcessId,
  type Clock,
  Failure,
  type FeedGrowth,
  fromBase64Url,
  type KeyId,
  type Log,
  MalformedBytes,
  messagesFeed,
  type ModuleId,
  PAGE_MAX,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
  toBase64Url,
  concatBytes,
  toUtf8,
} from '../../protocol/index.ts'
import type { FeedFollower, FeedFollowing } from './feed-following.ts'
import type { LearnedModules } from '../learning/learned-modules.ts'
import type { LearnedProcesses } from '../learning/learned-processes.ts'
import type { Units } from '../opening/open-units.ts'
import { ProcessSearch } from '../learning/process-search.ts'
import type { Seeders } from './seeders.ts'

const SEEDS = toUtf8('node/seed/')
const SEEDS_END = toUtf8('node/seed0')
/** Pause before a module, or a process, is asked for again: at first, and at most. */
const ASK_AGAIN_MIN_MS = 1_000
const ASK_AGAIN_MAX_MS = 30_000

export interface ProcessFollowingParts {
  readonly key: KeyId
  /** Whether this node evaluates at all; it does, if not given. */
  readonly computes?: boolean | undefined
  readonly log: Log
  readonly clock: Clock
  readonly processes: Pick<LearnedProcesses, 'process' | 'processOf'>
  readonly modules: Pick<LearnedModules, 'learn'>
  readonly units: Pick<Units, 'computer' | 'messenger'>
  readonly feeds: Pick<FeedFollowing, 'follow'>
  /** Where a feed is besides; nowhere, if not given. */
  readonly seeders?: Pick<Seeders, 'tell' | 'of'> | undefined
  readonly random?: (() => number) | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

/**
 * The processes that are scheduled elsewhere and evaluated here: those that name this node among their compute units, and
 * those it was told to seed. Their feeds are taken over from their schedulers, or from whoever else has them.
 */
export class ProcessFollowing implements Disposable {
  readonly #parts: ProcessFollowingParts
  readonly #followed = new Map<ProcessId, Followed>()
  readonly #watch: Disposable
  readonly #announced: ProcessSearch
  readonly #random: () => number
  readonly #learning = new Set<ModuleId>()
  readonly #ended = new AbortController()

  constructor(parts: ProcessFollowingParts) {
    this.#parts = parts
    this.#random = parts.random ?? Math.random
    this.#announced = new ProcessSearch({
      ...parts,
      random: this.#random,
      find: (id, from) => parts.processes.processOf(from, id),
      found: process => {
        if (this.#isUnitOf(process)) this.#follow(process)
      },
    })
    // Whoever took blocks over: somebody who reads may have been first.
    this.#watch = parts.log.watch(growth => this.#grew(growth))
  }

  /** Processes that are followed now, why, and from which node. */
  get followed(): readonly {
    readonly process: ProcessDescription
    readonly why: 'unit' | 'seed'
    readonly source: KeyId | undefined
  }[] {
    return Array.from(this.#followed.values(), ({ process, follower }) => ({
      process,
      why: this.#isUnitOf(process) ? 'unit' : 'seed',
      source: follower.source,
    }))
  }

  /** Goes on following what was followed when this node was last up. */
  async resume(): Promise<void> {
    const { log } = this.#parts
    for await (const { key } of log.store.range({ gte: SEEDS, lt: SEEDS_END }))
      void this.#seedAgain(asProcessId(toBase64Url(key.subarray(SEEDS.length))))
    for (let after: ProcessId | undefined; ; ) {
      const page = await log.directory.processes({ after, limit: PAGE_MAX })
      for (const process of page) if (this.#isUnitOf(process)) this.#follow(process)
      after = page.at(-1)?.id
      if (page.length < PAGE_MAX) return
    }
  }

  /**
   * `from` says that these processes name this node; their own spawn messages tell. Whoever is answered does not say it again, so what was
   * found survives the end of the program when it resolves.
   * @throws {Failure} `busy` if that is too many, or one could not be looked for
   */
  async announced(processes: readonly ProcessId[], from: KeyId): Promise<void> {
    if (this.#ended.signal.aborted) throw new Failure('shutting-down')
    const news = processes.filter(id => !this.#followed.has(id))
    await this.#announced.want(news, from)
    await this.#parts.log.directory.written(processes)
  }

  /** Follows a process from now on, whoever its compute units are. @throws {Failure} `unknown-process`, `unreachable` */
  async seed(id: ProcessId): Promise<void> {
    const process = await this.#parts.processes.process(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    if (this.#schedules(process))
      throw new Failure(
        'malformed-request',
        { process: id },
        { note: 'this node schedules that process: it writes its feed, and gives it to all' },
      )
    this.#parts.log.store.write([{ key: seedKey(id), value: new Uint8Array([1]) }])
    this.#follow(process)
  }

  /** Follows it no longer, unless it names this node; what is here stays. */
  async unseed(id: ProcessId): Promise<void> {
    this.#parts.log.store.write([{ key: seedKey(id), value: undefined }])
    const process = await this.#parts.log.directory.process(id)
    if (process !== undefined && this.#isUnitOf(process)) return
    this.#followed.get(id)?.follower[Symbol.dispose]()
    this.#followed.delete(id)
  }

  /** A process is in a new epoch: its feed is another, and others have it. */
  moved(process: ProcessDescription): void {
    const before = this.#followed.get(process.id)
    before?.follower[Symbol.dispose]()
    this.#followed.delete(process.id)
    const isOurs = process.policy.schedulers.includes(this.#parts.key)
    if (!isOurs && (before !== undefined || this.#isUnitOf(process))) this.#follow(process)
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
    this.#announced[Symbol.dispose]()
    this.#watch[Symbol.dispose]()
    for (const { follower } of this.#followed.values()) follower[Symbol.dispose]()
  }

  #isUnitOf({ policy }: ProcessDescription): boolean {
    const { key, computes = true } = this.#parts
    return computes && policy.computeUnits.includes(key) && !policy.schedulers.includes(key)
  }

  #schedules({ policy }: ProcessDescription): boolean {
    return policy.schedulers.includes(this.#parts.key)
  }

  /** Goes on with a process that it was told to seed; it is here, unless the disk lost it. */
  async #seedAgain(id: ProcessId): Promise<void> {
    const { processes, clock, log } = this.#parts
    const { signal } = this.#ended
    for (let attempt = 1; !signal.aborted && (await log.store.get(seedKey(id))) !== undefined; attempt++) {
      try {
        const process = await processes.process(id)
        if (process !== undefined) return this.#schedules(process) ? undefined : this.#follow(process)
      } catch (error) {
        const failure = Failure.from(error)
        if (failure.blame !== 'transient') return this.#parts.trouble(`process ${id}`, failure)
      }
      await clock.sleep(askAgainMs(attempt, this.#random()), { for: 'wait', signal }).catch(() => undefined)
    }
  }

  #follow(process: ProcessDescription): void {
    if (this.#ended.signal.aborted || this.#followed.has(process.id)) return
    const { key, feeds, seeders } = this.#parts
    const others = [...new Set([...process.policy.schedulers, ...process.policy.computeUnits])].filter(
      one => one !== key,
    )
    if (!this.#isUnitOf(process)) seeders?.tell(process.id)
    let rounds = 0
    const followed: Followed = {
      process,
      handing: Promise.resolve(),
      follower: feeds.follow({
        feed: messagesFeed(process),
        sources: () => (rounds++ === 0 ? others : [...others, ...(seeders?.of(process) ?? [])]),
        // The next piece comes once this one is with the units.
        taken: () => followed.handing,
      }),
    }
    this.#followed.set(process.id, followed)
    // What was taken over before and not evaluated yet.
    void this.evaluate(process)
  }

  /** Evaluates what is here of the feed of a process, once its module is. */
  async evaluate(process: ProcessDescription): Promise<void> {
    try {
      await this.#learn(process.module)
      this.#parts.units.computer.catchUp(process.id)
    } catch (error) {
      this.#parts.trouble(`process ${process.id}`, Failure.from(error))
    }
  }

  #grew({ feed, length, blocks }: FeedGrowth): void {
    const followed = feed.kind === 'messages' ? this.#followed.get(feed.process) : undefined
    // What comes late of the feed of an epoch that is over is for nobody.
    if (followed === undefined || feed.epoch !== followed.process.epoch) return
    followed.handing = followed.handing
      .then(() => this.#handOver(followed.process, length - blocks.length, blocks))
      .catch(error => this.#parts.trouble(`process ${feed.process}`, Failure.from(error)))
  }

  async #handOver(process: ProcessDescription, from: number, blocks: readonly Uint8Array[]): Promise<void> {
    const { units } = this.#parts
    if (from === 0) await this.#learn(process.module)
    for (const [at, bytes] of blocks.entries()) {
      for (const module of modulesNamedIn(bytes, process)) await this.#learn(module)
      const firstSlot = firstSlotOf(bytes)
      if (firstSlot === undefined) return
      if (this.#isUnitOf(process)) units.messenger.scheduled(process, firstSlot, bytes)
      units.computer.accept(process, { index: from + at, bytes })
    }
  }

  /** Has a module here; one that nobody gives is looked for again later, and what needs it waits. */
  async #learn(module: ModuleId): Promise<void> {
    if (await this.#learned(module)) return
    if (this.#learning.has(module)) return
    this.#learning.add(module)
    void this.#keepAsking(module).finally(() => this.#learning.delete(module))
  }

  /** Whether it is here now; a disk that is full, say, keeps it away only for a while. */
  async #learned(module: ModuleId): Promise<boolean> {
    const { modules, trouble } = this.#parts
    try {
      return await modules.learn(module)
    } catch (error) {
      trouble(`module ${module}`, Failure.from(error))
      return false
    }
  }

  async #keepAsking(module: ModuleId): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#ended
    for (let attempt = 1; !signal.aborted && !(await this.#learned(module)); attempt++)
      await clock.sleep(askAgainMs(attempt, this.#random()), { for: 'wait', signal }).catch(() => undefined)
  }
}

/** Doubling, and each at another moment. */
function askAgainMs(attempt: number, random: number): number {
  return Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MIN_MS * 2 ** (attempt - 1)) * (0.5 + random / 2)
}

interface Followed {
  readonly process: ProcessDescription
  readonly follower: FeedFollower
  /** Resolves when all blocks that came so far are with the units. */
  handing: Promise<void>
}

/** Nothing, if the block is no frame: that is a fault of its scheduler, at which evaluation ends. */
function firstSlotOf(bytes: Uint8Array): number | undefined {
  try {
    return readFrameHead(bytes).firstSlot
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

function seedKey(process: ProcessId): Uint8Array {
  return concatBytes(SEEDS, fromBase64Url(process))
}
