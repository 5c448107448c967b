import { type Clock, type Envelope, Failure, type ProcessId, type Store, type Timer } from '../../protocol/index.ts'
import { Alarms, type DueTick } from './alarms.ts'
import { keepMonitored, monitoredProcesses } from './monitored.ts'
import { timerBytes } from './timer-name.ts'

/** Pause before a tick that found no slot is given again. */
const AGAIN_MS = 1000

type Tick = Extract<Envelope, { kind: 'tick' }>

export interface TickingParts {
  readonly clock: Clock
  readonly store: Store
  /** Gives a tick its slot, or leaves that to whoever leads. @throws {Failure} */
  seat(process: ProcessId, tick: Tick): Promise<void>
}

/** Gives processes the ticks of their timers. */
export class Ticking implements AsyncDisposable {
  readonly #parts: TickingParts
  readonly #alarms: Alarms
  #closed = false

  constructor(parts: TickingParts) {
    this.#parts = parts
    this.#alarms = new Alarms(parts.clock, ticks => this.#tick(ticks))
  }

  /** Goes on with the processes that were monitored when the node was last up. */
  async resume(): Promise<void> {
    for await (const process of monitoredProcesses(this.#parts.store)) this.#alarms.monitor(process, true)
  }

  arm(process: ProcessId, timers: readonly Timer[]): void {
    this.#alarms.arm(process, timers)
  }

  monitor(process: ProcessId, on: boolean): void {
    keepMonitored(this.#parts.store, process, on)
    this.#alarms.monitor(process, on)
  }

  #tick(ticks: readonly DueTick[]): void {
    for (const { process, timer } of ticks) {
      const tick: Tick = { kind: 'tick', timer: timerBytes(timer.key), dueMs: timer.dueMs }
      this.#parts.seat(process, tick).catch(error => this.#again({ process, timer }, Failure.from(error)))
    }
  }

  /** A tick that found no slot comes again a little later. */
  #again(tick: DueTick, failure: Failure): void {
    if (this.#closed || failure.blame === 'trust' || failure.blame === 'input') return
    // Its new scheduler rings.
    if (failure.code === 'moved' && failure.details['epoch'] !== undefined) return
    void this.#parts.clock.sleep(AGAIN_MS).then(() => this.#tick([tick]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#alarms[Symbol.asyncDispose]()
  }
}
