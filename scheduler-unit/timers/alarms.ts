import { type Clock, CRON_TIMER_PREFIX, type ProcessId, type Timer } from '../../protocol/index.ts'

/** A tick whose time has come. */
export interface DueTick {
  readonly process: ProcessId
  readonly timer: Timer
}

/** Waits for the timers of processes, one sleep for all. What is due is told once, until it is armed again. */
export class Alarms implements AsyncDisposable {
  readonly #armed = new Map<ProcessId, readonly Timer[]>()
  readonly #monitored = new Set<ProcessId>()
  readonly #clock: Clock
  readonly #ring: (ticks: readonly DueTick[]) => void
  #sleeping: { readonly untilMs: number; readonly stop: AbortController } | undefined
  #closed = false

  constructor(clock: Clock, ring: (ticks: readonly DueTick[]) => void) {
    this.#clock = clock
    this.#ring = ring
  }

  arm(process: ProcessId, timers: readonly Timer[]): void {
    if (timers.length === 0) this.#armed.delete(process)
    else this.#armed.set(process, timers)
    this.#wait()
  }

  monitor(process: ProcessId, on: boolean): void {
    if (on) this.#monitored.add(process)
    else this.#monitored.delete(process)
    this.#wait()
  }

  #runs(process: ProcessId, timer: Timer): boolean {
    return !timer.key.startsWith(CRON_TIMER_PREFIX) || this.#monitored.has(process)
  }

  #earliest(): number | undefined {
    let earliest: number | undefined
    for (const [process, timers] of this.#armed) {
      for (const timer of timers) {
        if (this.#runs(process, timer) && timer.dueMs < (earliest ?? Infinity)) earliest = timer.dueMs
      }
    }
    return earliest
  }

  #wait(): void {
    const untilMs = this.#earliest()
    if (this.#closed || untilMs === undefined) return
    if (this.#sleeping !== undefined && this.#sleeping.untilMs <= untilMs) return
    this.#sleeping?.stop.abort()
    const sleeping = { untilMs, stop: new AbortController() }
    this.#sleeping = sleeping
    const ms = Math.max(0, untilMs - this.#clock.now())
    this.#clock.sleep(ms, { signal: sleeping.stop.signal, for: 'wait' }).then(
      () => this.#wake(sleeping),
      () => undefined,
    )
  }

  #wake(sleeping: object): void {
    if (this.#sleeping !== sleeping || this.#closed) return
    this.#sleeping = undefined
    const due = this.#takeDue(this.#clock.now())
    if (due.length > 0) this.#ring(due)
    this.#wait()
  }

  #takeDue(nowMs: number): DueTick[] {
    const ticks: DueTick[] = []
    for (const [process, timers] of this.#armed) {
      const due = timers.filter(timer => timer.dueMs <= nowMs && this.#runs(process, timer))
      if (due.length === 0) continue
      ticks.push(...due.map(timer => ({ process, timer })))
      const rest = timers.filter(timer => !due.includes(timer))
      if (rest.length === 0) this.#armed.delete(process)
      else this.#armed.set(process, rest)
    }
    return ticks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#sleeping?.stop.abort()
  }
}
