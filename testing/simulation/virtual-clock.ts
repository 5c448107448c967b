import type { Clock, SleepOptions } from '../../protocol/index.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A clock of one node or one client. Once it is stopped nobody who sleeps by it wakes up again. */
export class VirtualClock implements Clock, Disposable {
  readonly #time: VirtualTime
  readonly #sleeping = new Set<() => void>()
  #stopped = false

  constructor(time: VirtualTime) {
    this.#time = time
  }

  now(): number {
    return this.#time.nowMs
  }

  elapsed(): number {
    return this.#time.nowMs
  }

  sleep(ms: number, { signal, for: kind = 'work' }: SleepOptions = {}): Promise<void> {
    return this.sleepUs(ms * 1000, kind, signal)
  }

  /** Sleeps for microseconds. */
  sleepUs(us: number, kind: 'work' | 'wait' | 'upkeep' = 'work', signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (this.#stopped) return promise
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const end = (): void => {
      this.#sleeping.delete(cancel)
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      cancel()
      end()
      reject(signal?.reason)
    }
    const cancel = this.#time.after(us, kind, () => {
      end()
      resolve()
    })
    this.#sleeping.add(cancel)
    signal?.addEventListener('abort', onAbort, { once: true })
    return promise
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    for (const cancel of this.#sleeping) cancel()
    this.#sleeping.clear()
  }
}
