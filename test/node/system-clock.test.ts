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

it('tells whole milliseconds: what is left of a time limit goes over the wire as an integer', () => {
  const told = Array.from({ length: 100 }, () => systemClock.elapsed())
  expect(told.filter(ms => !Number.isInteger(ms))).toEqual([])
})
