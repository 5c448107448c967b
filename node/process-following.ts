import { modulesNamedIn } from '../compute-unit/index.ts'
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
  type Peers,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
  toBase64Url,
  concatBytes,
  toUtf8,
} from '../protocol/index.ts'
import type { FeedFollower, FeedFollowing } from './feed-following.ts'
import type { LearnedModules } from './learned-modules.ts'
import type { LearnedProcesses } from './learned-processes.ts'
import type { Units } from './open-units.ts'

const SEEDS = toUtf8('node/seed/')
const SEEDS_END = toUtf8('node/seed0')
/** Pause before a module, or a process, is asked for again. */
const ASK_AGAIN_MS = 1_000
/** Pauses before others are asked again for the beginning of a feed. */
const BEGIN_FIRST_MS = 100
const BEGIN_MAX_MS = 5_000

export interface ProcessFollowingParts {
  readonly key: KeyId
  /** Whether this node evaluates at all; it does, if not given. */
  readonly computes?: boolean | undefined
  readonly log: Log
  readonly clock: Clock
  readonly processes: Pick<LearnedProcesses, 'process'>
  readonly modules: Pick<LearnedModules, 'learn'>
  readonly units: Pick<Units, 'computer' | 'messenger'>
  readonly peers: Pick<Peers, 'frames'>
  /** Nodes that are connected now. */
  readonly connected: () => readonly KeyId[]
  readonly feeds: FeedFollowing
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
  readonly #asked = new Set<ProcessId>()
  readonly #ended = new AbortController()

  constructor(parts: ProcessFollowingParts) {
    this.#parts = parts
    // Whoever took blocks over: somebody who reads may have been first.
    this.#watch = parts.log.watch(growth => this.#grew(growth))
  }

  /** Processes that are followed now, why, and from which node. */
  get followed(): readonly { readonly process: ProcessDescription; readonly why: 'unit' | 'seed'; readonly source: KeyId | undefined }[] {
    return Array.from(this.#followed.values(), ({ process, follower }) => ({
      process,
      why: this.#isUnitOf(process) ? 'unit' : 'seed',
      source: follower.source,
    }))
  }

  /** Goes on following what was followed when this node was last up. */
  async resume(): Promise<void> {
    const { log, key } = this.#parts
    for (const id of log.directory.handedOver) {
      const process = await log.directory.process(id)
      if (process?.policy.schedulers.includes(key) === true) this.moved(process)
    }
    for await (const { key } of log.store.range({ gte: SEEDS, lt: SEEDS_END }))
      this.#want(asProcessId(toBase64Url(key.subarray(SEEDS.length))))
    for (let after: ProcessId | undefined; ; ) {
      const page = await log.directory.processes({ after, limit: PAGE_MAX })
      for (const process of page) if (this.#isUnitOf(process)) this.#follow(process)
      after = page.at(-1)?.id
      if (page.length < PAGE_MAX) return
    }
  }

  /** Somebody says that these processes name this node; their own spawn messages tell. */
  announced(processes: readonly ProcessId[]): void {
    for (const id of processes) if (!this.#followed.has(id)) this.#want(id, process => this.#isUnitOf(process))
  }

  /** Follows a process from now on, whoever its compute units are. @throws {Failure} `unknown-process`, `unreachable` */
  async seed(id: ProcessId): Promise<void> {
    const process = await this.#parts.processes.process(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
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
    if (isOurs) void this.#begin(process).catch(error => this.#parts.trouble(`process ${process.id}`, Failure.from(error)))
  }

  /** Takes over what the feed of a process that is scheduled here now begins with, from whoever has it. */
  async #begin(process: ProcessDescription): Promise<void> {
    const { log, clock, units, key } = this.#parts
    const { signal } = this.#ended
    const end = process.prologue?.length ?? 0
    const feed = messagesFeed(process)
    for (let pauseMs = BEGIN_FIRST_MS; (await log.length(feed)) < end && !signal.aborted; pauseMs = Math.min(2 * pauseMs, BEGIN_MAX_MS)) {
      const named = [process, ...(process.earlier ?? [])].flatMap(({ policy }) => [...policy.schedulers, ...policy.computeUnits])
      const sources = new Set([...named, ...this.#parts.connected()])
      sources.delete(key)
      for (const source of sources) await this.#beginFrom(source, process).catch(() => undefined)
      if ((await log.length(feed)) < end) await clock.sleep(pauseMs, { for: 'wait', signal }).catch(() => undefined)
    }
    if (signal.aborted) return
    await log.sync()
    await this.#learn(process.module)
    if (process.policy.computeUnits.includes(key)) units.computer.catchUp(process.id)
  }

  async #beginFrom(source: KeyId, process: ProcessDescription): Promise<void> {
    const { log, peers } = this.#parts
    const feed = messagesFeed(process)
    for (let length = await log.length(feed); length < (process.prologue?.length ?? 0); ) {
      const piece = await peers.frames(source, process.id, length)
      const answer = piece && (await log.take(feed, piece))
      if (answer === undefined || answer.length <= length) return
      length = answer.length
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
    this.#watch[Symbol.dispose]()
    for (const { follower } of this.#followed.values()) follower[Symbol.dispose]()
  }

  #isUnitOf({ policy }: ProcessDescription): boolean {
    const { key, computes = true } = this.#parts
    return computes && policy.computeUnits.includes(key) && !policy.schedulers.includes(key)
  }

  /** Follows a process once its spawn message was found. */
  #want(id: ProcessId, wanted: (process: ProcessDescription) => boolean = () => true): void {
    if (this.#asked.has(id)) return
    this.#asked.add(id)
    void this.#find(id, wanted).finally(() => this.#asked.delete(id))
  }

  async #find(id: ProcessId, wanted: (process: ProcessDescription) => boolean): Promise<void> {
    const { processes, clock } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        const process = await processes.process(id)
        if (process !== undefined && wanted(process)) this.#follow(process)
        return
      } catch (error) {
        const failure = Failure.from(error)
        if (failure.blame !== 'transient') return this.#parts.trouble(`process ${id}`, failure)
        await clock.sleep(ASK_AGAIN_MS, { for: 'wait', signal }).catch(() => undefined)
      }
    }
  }

  #follow(process: ProcessDescription): void {
    if (this.#ended.signal.aborted || this.#followed.has(process.id)) return
    const { key, feeds, units } = this.#parts
    const others = [...new Set([...process.policy.schedulers, ...process.policy.computeUnits])].filter(one => one !== key)
    const followed: Followed = {
      process,
      handing: Promise.resolve(),
      follower: feeds.follow({
        feed: messagesFeed(process),
        sources: () => others,
        // The next piece comes once this one is with the units.
        taken: () => followed.handing,
      }),
    }
    this.#followed.set(process.id, followed)
    // What was taken over before and not evaluated yet.
    void this.#learn(process.module)
      .then(() => units.computer.catchUp(process.id))
      .catch(error => this.#parts.trouble(`process ${process.id}`, Failure.from(error)))
  }

  #grew({ feed, length, blocks }: FeedGrowth): void {
    const followed = feed.kind === 'messages' ? this.#followed.get(feed.process) : undefined
    if (followed === undefined) return
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
    if (await this.#parts.modules.learn(module)) return
    void this.#keepAsking(module).catch(error => this.#parts.trouble(`module ${module}`, Failure.from(error)))
  }

  async #keepAsking(module: ModuleId): Promise<void> {
    const { clock, modules } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted && !(await modules.learn(module)))
      await clock.sleep(ASK_AGAIN_MS, { for: 'wait', signal }).catch(() => undefined)
  }
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
