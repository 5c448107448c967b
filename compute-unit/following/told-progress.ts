import type { Clock } from '../../protocol/index.ts'

/** At most this often. */
const PROGRESS_EVERY_MS = 200

/** When progress is to be told: now and then while a process is behind, and once when it no longer is. */
export class ToldProgress {
  #toldMs = Number.NEGATIVE_INFINITY
  #saidBehind = false

  /** Whether to tell it now; if so, it counts as told. */
  isDue(isBehind: boolean, clock: Pick<Clock, 'elapsed'>): boolean {
    if (!isBehind && !this.#saidBehind) return false
    const nowMs = clock.elapsed()
    if (isBehind && nowMs - this.#toldMs < PROGRESS_EVERY_MS) return false
    this.#toldMs = nowMs
    this.#saidBehind = isBehind
    return true
  }
}
