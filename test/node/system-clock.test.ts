import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../node/index.ts'

const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Whether a sleep of three hours, begun now, has ended after `ms` more on the timers of Node. */
async function sleepBegun() {
  let hasEnded = false
  void systemClock.sleep(3 * HOUR_MS).then(() => (hasEnded = true))
  return async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    return hasEnded
  }
}

it('a long sleep takes its time', async () => {
  const endedAfter = await sleepBegun()
  expect(await endedAfter(3 * HOUR_MS - 1)).toBe(false)
  expect(await endedAfter(1)).toBe(true)
})

it('a long sleep ends soon when the date went ahead of it, as it does while the machine is suspended', async () => {
  const endedAfter = await sleepBegun()
  vi.setSystemTime(Date.now() + 4 * HOUR_MS)
  expect(await endedAfter(30_000)).toBe(true)
})

it('a date that was set back makes no sleep longer', async () => {
  const endedAfter = await sleepBegun()
  vi.setSystemTime(Date.now() - 4 * HOUR_MS)
  expect(await endedAfter(3 * HOUR_MS)).toBe(true)
})

it('what has elapsed is told in whole milliseconds, as they travel to other nodes and into answers', () => {
  for (let look = 0; look < 100; look++) expect(Number.isInteger(systemClock.elapsed())).toBe(true)
})
