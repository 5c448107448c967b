import type { Clock } from '../../protocol/index.ts'

export interface MemoryAtRestParts {
  readonly clock: Clock
  /** Processor time of this program so far. */
  cpuMs(): number
  returnMemory(): void
}

const LOOK_EVERY_MS = 1_000
/** Share of a processor below which nothing happens but housekeeping. */
const RESTING_SHARE = 0.02
/**
 * Looks in a row that must find so. A collection drops compiled code whose objects are all gone, so what comes next runs at a
 * third of the speed for some tenths of a second: who pauses for a moment must not pay for that.
 */
const LOOKS_AT_REST = 8
/** Processor time since the last collection that is worth another one. */
const WORTH_MS = 500

/** Gives memory back once a node that was at work has come to rest. */
export class MemoryAtRest implements Disposable {
  readonly #parts: MemoryAtRestParts
  readonly #stop = new AbortController()

  constructor(parts: MemoryAtRestParts) {
    this.#parts = parts
    void this.#watch()
  }

  async #watch(): Promise<void> {
    const { clock, cpuMs, returnMemory } = this.#parts
    const { signal } = this.#stop
    let [resting, last, returned] = [0, { atMs: clock.elapsed(), cpuMs: cpuMs() }, cpuMs()]
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined)
      const now = { atMs: clock.elapsed(), cpuMs: cpuMs() }
      const share = (now.cpuMs - last.cpuMs) / Math.max(1, now.atMs - last.atMs)
      last = now
      resting = share < RESTING_SHARE ? resting + 1 : 0
      if (signal.aborted || resting < LOOKS_AT_REST || now.cpuMs - returned < WORTH_MS) continue
      returnMemory()
      returned = cpuMs()
      last = { atMs: clock.elapsed(), cpuMs: returned }
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}
