/** At most this often. */
const PROGRESS_EVERY_MS = 200

/** When progress is to be told: now and then while a process is behind, and once when it no longer is. */
export class ToldProgress {
  #toldMs = 0
  #saidBehind = false

  /** Whether to tell it now; if so, it counts as told. */
  isDue(isBehind: boolean, clock: { now(): number }): boolean {
    if (!isBehind && !this.#saidBehind) return false
    const nowMs = clock.now()
    if (isBehind && nowMs - this.#toldMs < PROGRESS_EVERY_MS) return false
    this.#toldMs = nowMs
    this.#saidBehind = isBehind
    return true
  }
}
