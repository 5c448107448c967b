import {
  type Clock,
  Failure,
  type KeyId,
  type Log,
  messagesFeed,
  type Peers,
  PROLOGUE_DIALS_MAX,
  PROLOGUE_SOURCES_MAX,
  PROLOGUES_AT_ONCE_MAX,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { Seats } from '../seats.ts'

/** Pauses before others are asked again. */
const PAUSE_MIN_MS = 100
const PAUSE_MAX_MS = 30_000
/** One node must not hold up the others, and neither must one process: then others have their turn, and it goes on from there. */
const ANSWER_MAX_MS = 5_000
const TURN_MAX_MS = 20_000

export interface ProloguePullParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Pick<Peers, 'frames'>
  /** Nodes that are connected now. */
  readonly connected: () => readonly KeyId[]
  /** The feed of a process that is scheduled here now may be written to, and what it begins with evaluated. */
  readonly begun: (process: ProcessDescription) => Promise<void>
  readonly trouble: (what: string, failure: Failure) => void
}

/**
 * Takes over what the feeds of processes that were handed to this node begin with, from whoever has it. Anybody may hand it processes
 * whose feeds nobody has: so few are looked for at once, among few nodes, and later each time.
 */
export class ProloguePull implements Disposable {
  readonly #parts: ProloguePullParts
  readonly #pulling = new Map<ProcessId, number>()
  /** Whoever names nodes that are not there holds up those alone who must dial too. */
  readonly #near = new Seats(PROLOGUES_AT_ONCE_MAX)
  readonly #far = new Seats(PROLOGUES_AT_ONCE_MAX)
  readonly #ended = new AbortController()

  constructor(parts: ProloguePullParts) {
    this.#parts = parts
  }

  /** Goes on with what was under way when this node was last up. */
  async resume(): Promise<void> {
    const { directory } = this.#parts.log
    for (const id of directory.handedOver) {
      const process = await directory.process(id)
      if (process !== undefined) this.want(process)
    }
  }

  /** Takes it over until all of it is there, if the process is scheduled here; else what an earlier epoch began with is no longer wanted. */
  want(process: ProcessDescription): void {
    const { key } = this.#parts
    if (!process.policy.schedulers.includes(key)) {
      this.#pulling.delete(process.id)
      return
    }
    if (this.#pulling.get(process.id) === process.epoch) return
    this.#pulling.set(process.id, process.epoch)
    void this.#untilWhole(process).finally(() => {
      if (this.#pulling.get(process.id) === process.epoch) this.#pulling.delete(process.id)
    })
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  /** A disk that is full is no reason to leave it at that. */
  async #untilWhole(process: ProcessDescription): Promise<void> {
    const { clock, trouble } = this.#parts
    const { signal } = this.#ended
    while (this.#isNewest(process)) {
      try {
        return await this.#pull(process)
      } catch (error) {
        trouble(`process ${process.id}`, Failure.from(error))
        await clock.sleep(PAUSE_MAX_MS, { for: 'wait', signal }).catch(() => undefined)
      }
    }
  }

  #isNewest({ id, epoch }: ProcessDescription): boolean {
    return this.#pulling.get(id) === epoch && !this.#ended.signal.aborted
  }

  async #pull(process: ProcessDescription): Promise<void> {
    const { log, clock, begun } = this.#parts
    const { signal } = this.#ended
    const isNewest = (): boolean => this.#isNewest(process)
    const from = async (sources: readonly KeyId[]): Promise<void> => {
      const untilMs = clock.elapsed() + TURN_MAX_MS
      for (const source of sources) {
        if (!isNewest() || clock.elapsed() >= untilMs || (await this.#isWhole(process))) return
        await this.#pullFrom(source, process, untilMs).catch(() => undefined)
      }
    }
    let pauseMs = PAUSE_MIN_MS
    for (let round = 0; !(await this.#isWhole(process)); round++, pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const { near, far } = this.#sourcesOf(process, round)
      const before = await this.#lengthOf(process)
      await this.#near.take(() => from(near))
      if (far.length > 0 && !(await this.#isWhole(process))) await this.#far.take(() => from(far))
      if (!isNewest()) return
      if ((await this.#lengthOf(process)) > before) pauseMs = PAUSE_MIN_MS
      if (!(await this.#isWhole(process))) await clock.sleep(pauseMs, { for: 'wait', signal }).catch(() => undefined)
      if (!isNewest()) return
    }
    await log.sync()
    await begun(process)
  }

  /** Whom to ask in a round: those that are connected, named ones first, and some that must be dialled, others each time. */
  #sourcesOf(
    process: ProcessDescription,
    round: number,
  ): { readonly near: readonly KeyId[]; readonly far: readonly KeyId[] } {
    const { key, connected } = this.#parts
    const named = new Set(
      [process, ...(process.earlier ?? [])].flatMap(({ policy }) => [...policy.schedulers, ...policy.computeUnits]),
    )
    named.delete(key)
    const present = new Set(connected())
    const near = [...new Set([...[...named].filter(one => present.has(one)), ...present])].slice(
      0,
      PROLOGUE_SOURCES_MAX,
    )
    // One that gives little, slowly, has the turn to itself but once.
    near.push(...near.splice(0, round % Math.max(near.length, 1)))
    const away = [...named].filter(one => !present.has(one))
    const at = away.length === 0 ? 0 : (round * PROLOGUE_DIALS_MAX) % away.length
    return { near, far: away.slice(at, at + PROLOGUE_DIALS_MAX) }
  }

  #lengthOf(process: ProcessDescription): Promise<number> {
    return this.#parts.log.length(messagesFeed(process))
  }

  async #isWhole(process: ProcessDescription): Promise<boolean> {
    return (await this.#lengthOf(process)) >= (process.prologue?.length ?? 0)
  }

  async #pullFrom(source: KeyId, process: ProcessDescription, untilMs: number): Promise<void> {
    const { log, peers, clock } = this.#parts
    const feed = messagesFeed(process)
    for (let length = await log.length(feed); length < (process.prologue?.length ?? 0) && clock.elapsed() < untilMs; ) {
      const piece = await peers.frames(source, process.id, length, { timeoutMs: ANSWER_MAX_MS })
      const answer = piece && (await log.take(feed, piece))
      if (answer === undefined || answer.length <= length) return
      length = answer.length
    }
  }
}
