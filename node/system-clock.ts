import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../protocol/index.ts'

/** The longest a timer of Node can wait; longer sleeps are slept in parts. */
const TIMER_MAX_MS = 2_000_000_000

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, { signal } = {}) {
    if (ms <= 0) await turn(undefined, signal === undefined ? {} : { signal })
    for (let left = ms; left > 0; left -= TIMER_MAX_MS) {
      await sleep(Math.min(left, TIMER_MAX_MS), undefined, signal === undefined ? {} : { signal })
    }
  },
}
