import {
  type Clock,
  type Computer,
  concatBytes,
  Failure,
  fromBase64Url,
  type ProcessId,
  type Store,
  type Timer,
  asProcessId,
  decodeUnitReading,
  encodeUnitReading,
  toBase64Url,
  toUtf8,
} from '../protocol/index.ts'

export interface TimerWatchParts {
  readonly computer: Pick<Computer, 'timers'>
  readonly store: Store
  readonly clock: Clock
  arm(process: ProcessId, timers: readonly Timer[]): void
  readonly trouble?: ((process: ProcessId, failure: Failure) => void) | undefined
}

const AGAIN_FIRST_MS = 500
const AGAIN_MAX_MS = 30_000

/**
 * The timers of processes that are scheduled here and evaluated elsewhere. Their compute units say when they have changed;
 * what they are is what enough of them say. A tick for a timer that is not held has no effect, so a lie here costs a slot.
 */
export class TimerWatch {
  readonly #parts: TimerWatchParts
  /** Processes that are asked about, and whether something was told meanwhile. */
  readonly #asking = new Map<ProcessId, { again: boolean }>()
  readonly #stop = new AbortController()

  constructor(parts: TimerWatchParts) {
    this.#parts = parts
  }

  /** Arms what an earlier run knew, and asks whether it still holds. */
  async resume(): Promise<void> {
    for await (const { key, value } of this.#parts.store.range({ gte: TIMERS, lt: TIMERS_END })) {
      const process = asProcessId(toBase64Url(key.subarray(TIMERS.length)))
      this.#parts.arm(process, timersOf(value))
      this.changed(process)
    }
  }

  /** A compute unit says that the timers of a process are others now. */
  changed(process: ProcessId): void {
    const asking = this.#asking.get(process)
    if (asking !== undefined) {
      asking.again = true
      return
    }
    const started = { again: true }
    this.#asking.set(process, started)
    void this.#ask(process, started)
  }

  stop(): void {
    this.#stop.abort(new Failure('shutting-down'))
  }

  async #ask(process: ProcessId, asking: { again: boolean }): Promise<void> {
    const { computer, clock, trouble, arm } = this.#parts
    const { signal } = this.#stop
    for (let pauseMs = AGAIN_FIRST_MS; asking.again && !signal.aborted; ) {
      asking.again = false
      try {
        const timers = await computer.timers(process)
        this.#keep(process, timers)
        arm(process, timers)
        pauseMs = AGAIN_FIRST_MS
      } catch (error) {
        const failure = Failure.from(error)
        trouble?.(process, failure)
        // A disk that is full there, or here, will have room again.
        if (failure.blame !== 'transient' && failure.blame !== 'host') continue
        asking.again = true
        await clock.sleep(pauseMs, { signal }).catch(() => undefined)
        pauseMs = Math.min(AGAIN_MAX_MS, 2 * pauseMs)
      }
    }
    // In the same turn: what changes from here on begins anew.
    this.#asking.delete(process)
  }

  #keep(process: ProcessId, timers: readonly Timer[]): void {
    const value = timers.length === 0 ? undefined : encodeUnitReading('timers', { timers: [...timers] })
    this.#parts.store.write([{ key: concatBytes(TIMERS, fromBase64Url(process)), value }])
  }
}

const TIMERS = toUtf8('agreement/timers/')
const TIMERS_END = toUtf8('agreement/timers0')

function timersOf(value: Uint8Array): Timer[] {
  const { timers } = decodeUnitReading('timers', value)
  return timers.map(({ key, dueMs, everyMs }) => ({ key: key as Timer['key'], dueMs, everyMs }))
}
