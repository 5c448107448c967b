import { type CallOptions, type Clock, Failure } from '../../protocol/index.ts'

interface Sleeper {
  readonly untilMs: number
  readonly wake: () => void
}

/** A clock that moves when it is told to. */
export class ManualClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  #nowMs: number
  #setByMs = 0

  constructor(nowMs = 1_000_000) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs + this.#setByMs
  }

  elapsed(): number {
    return this.#nowMs
  }

  /** Somebody sets the date, forward or back: no time passes. */
  setDate(byMs: number): void {
    this.#setByMs += byMs
  }

  /** Sleeps that have not ended. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, { signal }: CallOptions = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal?.aborted === true) return Promise.reject(new Failure('aborted'))
    if (ms <= 0) return Promise.resolve()
    const sleeper = { untilMs: this.#nowMs + ms, wake: resolve }
    this.#sleepers.add(sleeper)
    signal?.addEventListener(
      'abort',
      () => {
        this.#sleepers.delete(sleeper)
        reject(new Failure('aborted'))
      },
      { once: true },
    )
    return promise
  }

  /** Moves on by `ms` and wakes whoever slept long enough. */
  advance(ms: number): void {
    this.set(this.#nowMs + ms)
  }

  /** Sets the time, forward or back; nobody who sleeps is woken too early. */
  set(nowMs: number): void {
    this.#nowMs = nowMs
    for (const sleeper of [...this.#sleepers].toSorted((a, b) => a.untilMs - b.untilMs)) {
      if (sleeper.untilMs > nowMs) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}

/** Lets everything that is ready go on, timers of the machine aside. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}
