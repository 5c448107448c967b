import { type Clock, Failure } from '../protocol/index.ts'

interface Wait {
  readonly untilMs: number
  readonly giveUp: () => void
}

/** Bounds waits that may all take equally long by one sleep of the clock, instead of one for each: nearly all end long before. */
export class Patience implements Disposable {
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** Whoever began first gives up first. */
  readonly #waits = new Set<Wait>()
  readonly #over = new AbortController()
  #watching = false

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Waits for `work`; the work goes on when the wait does not. @throws {Failure} `timeout` */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = this.#timeoutMs
      const giveUp = (): void => reject(new Failure('timeout', { timeoutMs }))
      const wait = { untilMs: this.#clock.elapsed() + timeoutMs, giveUp }
      this.#waits.add(wait)
      work.then(
        value => {
          this.#waits.delete(wait)
          resolve(value)
        },
        error => {
          this.#waits.delete(wait)
          reject(error)
        },
      )
      if (!this.#watching) void this.#watch()
    })
  }

  async #watch(): Promise<void> {
    this.#watching = true
    for (const wait of this.#waits) {
      for (let leftMs = this.#left(wait); leftMs > 0 && this.#waits.has(wait); leftMs = this.#left(wait)) {
        if (!(await this.#sleep(leftMs))) return
      }
      if (this.#waits.delete(wait)) wait.giveUp()
    }
    this.#watching = false
  }

  #left({ untilMs }: Wait): number {
    return untilMs - this.#clock.elapsed()
  }

  async #sleep(ms: number): Promise<boolean> {
    try {
      await this.#clock.sleep(ms, { signal: this.#over.signal, for: 'wait' })
      return true
    } catch {
      return false
    }
  }

  /** Nobody gives up any more: who waits is told otherwise. */
  [Symbol.dispose](): void {
    this.#over.abort()
  }
}
