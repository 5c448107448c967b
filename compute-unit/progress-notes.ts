import type { Slot } from '../protocol/index.ts'

const EVERY_MS = 200

/** Tells how far a process was evaluated: now and then while it is behind, and once when it no longer is. */
export class ProgressNotes {
  readonly #now: () => number
  readonly #tell: (evaluated: Slot, scheduled: Slot) => void
  #toldMs = 0
  #saidBehind = false

  constructor(now: () => number, tell: (evaluated: Slot, scheduled: Slot) => void) {
    this.#now = now
    this.#tell = tell
  }

  note(evaluated: Slot, scheduled: Slot): void {
    const isBehind = evaluated < scheduled
    const nowMs = this.#now()
    if (isBehind ? nowMs - this.#toldMs < EVERY_MS : !this.#saidBehind) return
    this.#toldMs = nowMs
    this.#saidBehind = isBehind
    this.#tell(evaluated, scheduled)
  }
}
