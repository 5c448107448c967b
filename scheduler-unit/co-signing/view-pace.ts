import type { KeyId } from '../../protocol/index.ts'

/**
 * How fast one scheduler may lead another from view to view: each is written to the disk, and there are 2^53. Who takes over
 * from a leader that is gone needs one; in the worst of networks a few.
 */
const AT_ONCE_MAX = 16
const PER_SECOND = 4

/** How far it may lead it at once: to the end it is some seventy years. */
export const VIEW_STEP_MAX = 1_000_000

/** How fast each other scheduler does so. */
export class ViewPaces {
  readonly #paces = new Map<KeyId, ViewPace>()

  /** Whether the leader of a view may have this scheduler go there at `nowMs`. */
  take(leader: KeyId, nowMs: number): boolean {
    const pace = this.#paces.get(leader) ?? new ViewPace()
    this.#paces.set(leader, pace)
    return pace.take(nowMs)
  }
}

class ViewPace {
  #left = AT_ONCE_MAX
  #atMs = 0

  /** Whether one more is due at `nowMs`. */
  take(nowMs: number): boolean {
    this.#left = Math.min(AT_ONCE_MAX, this.#left + (Math.max(0, nowMs - this.#atMs) / 1_000) * PER_SECOND)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
