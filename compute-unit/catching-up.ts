const TOLD_EVERY_MS = 200

/** Tells how far the evaluation of a feed has come: now and then while it is behind, and once when it no longer is. */
export class CatchingUp {
  readonly #tell: (evaluated: number, scheduled: number) => void
  readonly #now: () => number
  #toldMs = 0
  #saidBehind = false

  constructor(tell: (evaluated: number, scheduled: number) => void, now: () => number) {
    this.#tell = tell
    this.#now = now
  }

  /** So many slots of those are evaluated. Cheap: may be called for each frame. */
  at(evaluated: number, scheduled: number): void {
    const isBehind = evaluated < scheduled
    if (isBehind ? this.#now() - this.#toldMs < TOLD_EVERY_MS : !this.#saidBehind) return
    this.#toldMs = this.#now()
    this.#saidBehind = isBehind
    this.#tell(evaluated, scheduled)
  }
}
