import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../protocol/index.ts'

/** Longer sleeps are slept in parts, with a look at the date between: timers of Node stand still while the machine is suspended. */
const PART_MS = 30_000

/** The clock of this machine. A date that went ahead, by suspension or because somebody set it, ends long sleeps. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.floor(performance.now()),
  async sleep(ms, { signal } = {}) {
    if (ms <= 0) await turn(undefined, signal === undefined ? {} : { signal })
    const untilMs = Date.now() + ms
    for (let left = ms; left > 0; left = Math.min(left - PART_MS, untilMs - Date.now()))
      await wait(Math.min(left, PART_MS), signal)
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
