import type { Clock } from '../protocol/index.ts'
import { backOffMs } from './retry.ts'

export interface RetriesParts {
  readonly clock: Clock
  /** Ends a pause, and all that come. */
  readonly signal: AbortSignal
  random(): number
  /** Calls `wake` whenever whom it is about is linked again; gives what ends that. */
  met?: ((wake: () => void) => Promise<Disposable | undefined>) | undefined
}

/**
 * Pauses between attempts in vain, each longer than the one before. Who is linked again is tried at once, and soon again: it may
 * still be starting. That also counts if it happens while an attempt is under way, which may fail all the same.
 */
export class Retries implements Disposable {
  readonly #parts: RetriesParts
  #attempt = 1
  #isWatching = false
  #isMet = false
  #meeting: Disposable | undefined
  #wake: () => void = () => undefined
  #isOver = false

  constructor(parts: RetriesParts) {
    this.#parts = parts
  }

  async pause(): Promise<void> {
    this.#watch()
    const { clock, signal, random } = this.#parts
    if (!this.#isMet) {
      const ended = new AbortController()
      this.#wake = () => ended.abort()
      const sleeping = { signal: AbortSignal.any([signal, ended.signal]) }
      await clock.sleep(backOffMs(this.#attempt, random()), sleeping).catch(() => undefined)
      this.#attempt += 1
    }
    if (this.#isMet) this.#attempt = 1
    this.#isMet = false
  }

  /** An attempt was not in vain. */
  reset(): void {
    this.#attempt = 1
    this.#isMet = false
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#meeting?.[Symbol.dispose]()
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const watching = this.#parts.met?.(() => {
      this.#isMet = true
      this.#wake()
    })
    void watching?.then(
      meeting => {
        if (this.#isOver) meeting?.[Symbol.dispose]()
        else this.#meeting = meeting
      },
      // It is tried again when its time comes.
      () => {
        this.#isWatching = false
      },
    )
  }
}
