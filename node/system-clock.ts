import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../protocol/index.ts'

/** The longest a timer of Node can wait; longer sleeps are slept in parts. */
const TIMER_MAX_MS = 2_000_000_000

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, { signal } = {}) {
    if (ms <= 0) await turn(undefined, signal === undefined ? {} : { signal })
    for (let left = ms; left > 0; left -= TIMER_MAX_MS) await wait(Math.min(left, TIMER_MAX_MS), signal)
  },
}

/** Rejects with the signal's own reason: most waits are ended, and an error made for each has its price. */
function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
