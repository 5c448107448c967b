/**
 * Finds the spawn messages of processes that somebody named.
 *
 * 1. Each node that names processes has a queue of its own, and a few of its processes are looked for at once: whoever
 *    names many keeps nobody else waiting. What finds no room is refused, and honest nodes say it again later.
 * 2. Whoever names a process is asked for its spawn message, and nobody else: one call here makes no calls elsewhere.
 * 3. What is not found is looked for again, later and later, each at another moment; then it is forgotten.
 */
import {
  ANNOUNCED_AT_ONCE_MAX,
  ANNOUNCED_TRIES_MAX,
  ANNOUNCED_WAITING_MAX,
  ANNOUNCERS_MAX,
  type Clock,
  Failure,
  type KeyId,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'

const PAUSE_MIN_MS = 500
const PAUSE_MAX_MS = 60_000

export interface ProcessSearchParts {
  readonly clock: Clock
  readonly random: () => number
  /** A process as `from` proves it; nothing, if it does not. @throws {Failure} if the way to it failed */
  readonly find: (id: ProcessId, from: KeyId) => Promise<ProcessDescription | undefined>
  /** Called once for each that was found. */
  readonly found: (process: ProcessDescription) => void
  readonly trouble: (what: string, failure: Failure) => void
}

export class ProcessSearch implements Disposable {
  readonly #parts: ProcessSearchParts
  readonly #lanes = new Map<KeyId, SearchLane>()

  constructor(parts: ProcessSearchParts) {
    this.#parts = parts
  }

  /** Processes that are looked for. */
  get size(): number {
    let size = 0
    for (const lane of this.#lanes.values()) size += lane.size
    return size
  }

  /**
   * Looks for processes that `from` named; resolves once it has looked for each.
   * @throws {Failure} `busy` if not all of them found room, or the way to one failed: they are to be named again
   */
  async want(ids: Iterable<ProcessId>, from: KeyId): Promise<void> {
    const wanted = [...ids]
    // Nobody would close the lane of a node that wants nothing.
    if (wanted.length === 0) return
    const lane = this.#lanes.get(from) ?? this.#open(from)
    const looks = wanted.flatMap(id => lane.add(id) ?? [])
    const refused = wanted.length - looks.length
    if (refused > 0) throw new Failure('busy', { refused, waiting: lane.size })
    const missed = (await Promise.all(looks)).filter(hasLooked => !hasLooked).length
    if (missed > 0) throw new Failure('busy', { missed, waiting: lane.size })
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes.values()) lane[Symbol.dispose]()
    this.#lanes.clear()
  }

  #open(from: KeyId): SearchLane {
    if (this.#lanes.size >= ANNOUNCERS_MAX) this.#closeFailing()
    const lane = new SearchLane(from, this.#parts, () => this.#lanes.delete(from))
    this.#lanes.set(from, lane)
    return lane
  }

  /** Forgets the node that failed most often. @throws {Failure} `busy` if none has failed */
  #closeFailing(): void {
    const worst = [...this.#lanes.values()].reduce((most, lane) => (lane.failures > most.failures ? lane : most))
    if (worst.failures === 0) throw new Failure('busy', { announcers: this.#lanes.size })
    worst[Symbol.dispose]()
    this.#lanes.delete(worst.from)
  }
}

interface Wanted {
  tries: number
  /** When it is looked for next. */
  dueMs: number
  isUnderWay: boolean
  /** Told once whether the first look came to an end. */
  readonly looked: PromiseWithResolvers<boolean>
}

/** What one node named. */
class SearchLane implements Disposable {
  readonly from: KeyId
  /** Searches that failed since one last succeeded. */
  failures = 0
  readonly #parts: ProcessSearchParts
  readonly #empty: () => void
  readonly #wanted = new Map<ProcessId, Wanted>()
  readonly #ended = new AbortController()
  #underWay = 0
  #pause: AbortController | undefined

  constructor(from: KeyId, parts: ProcessSearchParts, empty: () => void) {
    this.from = from
    this.#parts = parts
    this.#empty = empty
  }

  get size(): number {
    return this.#wanted.size
  }

  /** Whether the way to it held when it was first looked for; nothing, if there is no room for it. */
  add(id: ProcessId): Promise<boolean> | undefined {
    const known = this.#wanted.get(id)
    if (known !== undefined) return known.looked.promise
    if (this.#wanted.size >= ANNOUNCED_WAITING_MAX) return undefined
    const looked = Promise.withResolvers<boolean>()
    this.#wanted.set(id, { tries: 0, dueMs: this.#parts.clock.elapsed(), isUnderWay: false, looked })
    this.#goOn()
    return looked.promise
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
    this.#pause?.abort()
    for (const { looked } of this.#wanted.values()) looked.resolve(false)
    this.#wanted.clear()
  }

  /** Begins what is due, and comes back when the next is. */
  #goOn(): void {
    this.#pause?.abort()
    this.#pause = undefined
    const { clock } = this.#parts
    while (this.#underWay < ANNOUNCED_AT_ONCE_MAX && !this.#ended.signal.aborted) {
      const next = this.#next()
      if (next === undefined) {
        if (this.#wanted.size === 0) this.#empty()
        return
      }
      const [id, wanted] = next
      const waitMs = wanted.dueMs - clock.elapsed()
      if (waitMs > 0) return this.#later(waitMs)
      wanted.isUnderWay = true
      this.#underWay += 1
      void this.#look(id, wanted).finally(() => {
        wanted.isUnderWay = false
        wanted.looked.resolve(false)
        this.#underWay -= 1
        this.#goOn()
      })
    }
  }

  #later(waitMs: number): void {
    const pause = new AbortController()
    this.#pause = pause
    const { signal } = pause
    void this.#parts.clock
      .sleep(waitMs, { for: 'wait', signal })
      .catch(() => undefined)
      .then(() => {
        if (!signal.aborted) this.#goOn()
      })
  }

  /** What is due first, of what is not looked for now. */
  #next(): readonly [ProcessId, Wanted] | undefined {
    let first: readonly [ProcessId, Wanted] | undefined
    const nowMs = this.#parts.clock.elapsed()
    for (const entry of this.#wanted) {
      const [, { isUnderWay, dueMs }] = entry
      if (isUnderWay || (first !== undefined && dueMs >= first[1].dueMs)) continue
      first = entry
      if (dueMs <= nowMs) break
    }
    return first
  }

  async #look(id: ProcessId, wanted: Wanted): Promise<void> {
    const { find, found, clock, random, trouble } = this.#parts
    let failure: Failure | undefined
    try {
      const process = await find(id, this.from)
      if (this.#ended.signal.aborted) return
      if (process !== undefined) {
        this.failures = 0
        this.#wanted.delete(id)
        found(process)
        return wanted.looked.resolve(true)
      }
    } catch (error) {
      failure = Failure.from(error)
    }
    if (failure?.blame !== 'transient') wanted.looked.resolve(true)
    this.failures += 1
    wanted.tries += 1
    if (wanted.tries >= ANNOUNCED_TRIES_MAX || (failure !== undefined && failure.blame !== 'transient')) {
      this.#wanted.delete(id)
      if (failure !== undefined) trouble(`process ${id}`, failure)
      return
    }
    const pauseMs = Math.min(PAUSE_MIN_MS * 2 ** wanted.tries, PAUSE_MAX_MS)
    wanted.dueMs = clock.elapsed() + pauseMs * (0.5 + random() / 2)
  }
}
