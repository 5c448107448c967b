import type { CallOptions, Clock } from '../protocol/index.ts'

/** What is smaller never waits. */
const BULK_BYTES = 128 * 1024
/** One waits for the disk while the other is read and checked. */
const AT_ONCE = 2
/** Others do not wait longer for one that waits itself, for another node perhaps. */
const TURN_MAX_MS = 500

/**
 * Large requests are begun one after the other. All at once they would take as long in all, and each would hold what was
 * read of it until the last had its turn: a thousand messages in pieces are several times their bytes, for the collector to carry along.
 */
export class BulkTurns {
  readonly #clock: Clock
  #underWay = 0
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does `body` once it is the turn of a request of so many bytes. @throws the signal's reason */
  async take<T>(bytes: number, body: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    if (bytes < BULK_BYTES) return await body()
    await this.#turn(signal)
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      this.#pass()
    }
    const ended = new AbortController()
    void this.#clock.sleep(TURN_MAX_MS, { signal: ended.signal, for: 'wait' }).then(over, () => undefined)
    try {
      return await body()
    } finally {
      ended.abort()
      over()
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#underWay < AT_ONCE) {
      this.#underWay += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal?.reason)
    }
    this.#waiting.add(resolve)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** The turn goes to whoever has waited longest, without a moment in which a newcomer could take it. */
  #pass(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#underWay -= 1
    else if (this.#waiting.delete(next)) next()
  }
}
