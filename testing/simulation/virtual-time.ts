import { EventQueue, type TimedEvent } from './event-queue.ts'

interface Sleeper extends TimedEvent {
  readonly kind: 'work' | 'wait'
  readonly wake: () => void
  /** It woke up, or was called off. */
  over: boolean
}

/** What time moves for. */
interface Goal {
  /** Looked at when nothing can go on without time moving. */
  met(): boolean
  /** Time stops here, events or not. */
  readonly untilUs: number
  readonly resolve: () => void
}

/** The first of January 2026, where every simulation begins. */
export const START_MS = Date.UTC(2026, 0, 1)

/** Microseconds since 1970 are exact up to here. */
export const END_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

/**
 * Time of a whole network.
 *
 * 1. It moves only while somebody has a goal: a call that waits for its answer, an advance, a wait for quiet.
 * 2. It moves only when nothing can go on without: each event runs until nothing is left to run.
 * 3. It jumps from event to event, in order of time, then of who came first: the same in every run.
 */
export class VirtualTime {
  readonly #queue = new EventQueue<Sleeper>()
  readonly #upkeep = new Set<{ readonly atUs: number; readonly wake: () => void }>()
  readonly #goals = new Set<Goal>()
  #nowUs: number
  #order = 0
  #work = 0
  #held = 0
  #driving = false
  /** Ends the wait of an idle drive. */
  #stir: (() => void) | undefined
  /** Events so far. */
  events = 0

  constructor(startMs = START_MS) {
    this.#nowUs = startMs * 1000
  }

  /** Milliseconds since 1970, whole. */
  get nowMs(): number {
    return Math.floor(this.#nowUs / 1000)
  }

  get nowUs(): number {
    return this.#nowUs
  }

  /** Sleeps after which something that is under way goes on. */
  get work(): number {
    return this.#work
  }

  /** Calls `wake` after `us` microseconds; gives what calls it off. */
  after(us: number, kind: 'work' | 'wait' | 'upkeep', wake: () => void): () => void {
    const atUs = this.#nowUs + Math.max(0, Math.round(us))
    if (kind === 'upkeep') {
      const sleeper = { atUs, wake }
      this.#upkeep.add(sleeper)
      return () => void this.#upkeep.delete(sleeper)
    }
    const sleeper: Sleeper = {
      atUs,
      order: this.#order++,
      kind,
      wake,
      cancelled: false,
      over: false,
    }
    this.#queue.push(sleeper)
    if (kind === 'work') this.#work += 1
    this.#stir?.()
    return () => {
      if (sleeper.over) return
      sleeper.over = true
      this.#queue.cancel(sleeper)
      if (kind === 'work') this.#work -= 1
    }
  }

  /** Lets time move until `promise` is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
      this.#stir?.()
    }
    promise.then(settle, settle)
    void this.#reach({ met: () => settled, untilUs: Infinity })
    return promise
  }

  /** Holds time still while something happens outside, such as reading a file. */
  async hold<T>(outside: Promise<T>): Promise<T> {
    this.#held += 1
    try {
      return await outside
    } finally {
      this.#held -= 1
      this.#stir?.()
    }
  }

  /** Moves on by `ms`. */
  advance(ms: number): Promise<void> {
    const untilUs = this.#nowUs + Math.round(ms * 1000)
    return this.#reach({ met: () => this.#nowUs >= untilUs, untilUs })
  }

  /** Moves on until nothing is under way, but no longer than `ms`; tells whether that is so. */
  async quiet(ms: number): Promise<boolean> {
    const untilUs = this.#nowUs + Math.round(ms * 1000)
    await this.#reach({ met: () => this.#work === 0 || this.#nowUs >= untilUs, untilUs })
    return this.#work === 0
  }

  #reach({ met, untilUs }: Omit<Goal, 'resolve'>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#goals.add({ met, untilUs, resolve })
    this.#stir?.()
    if (!this.#driving) void this.#drive()
    return promise
  }

  async #drive(): Promise<void> {
    this.#driving = true
    while (this.#goals.size > 0) {
      await rest()
      if (this.#meetGoals()) continue
      if (this.#held > 0 || !this.#step()) await this.#stirred()
    }
    this.#driving = false
  }

  /** Whether there were any that were met: what follows from them comes first. */
  #meetGoals(): boolean {
    let any = false
    for (const goal of this.#goals) {
      if (!goal.met()) continue
      this.#goals.delete(goal)
      goal.resolve()
      any = true
    }
    return any
  }

  /** Lets the next thing happen; false if nothing ever will by itself. */
  #step(): boolean {
    let untilUs = Infinity
    for (const goal of this.#goals) untilUs = Math.min(untilUs, goal.untilUs)
    const next = this.#queue.peek()
    if (next !== undefined && next.atUs <= untilUs) {
      this.#queue.pop()
      next.over = true
      this.#moveTo(next.atUs)
      if (next.kind === 'work') this.#work -= 1
      this.events += 1
      next.wake()
      return true
    }
    if (untilUs === Infinity) return false
    this.#moveTo(untilUs)
    return true
  }

  #moveTo(us: number): void {
    this.#nowUs = Math.max(this.#nowUs, us)
    for (const sleeper of this.#upkeep) {
      if (sleeper.atUs > this.#nowUs) continue
      this.#upkeep.delete(sleeper)
      sleeper.wake()
    }
  }

  /** Waits for somebody outside to do something. */
  async #stirred(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stir = resolve
    await promise
    this.#stir = undefined
  }
}

/** One turn of the loop: all that can go on by itself has gone on. */
const rest = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
