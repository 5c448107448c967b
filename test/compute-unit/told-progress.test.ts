import { expect, test } from 'vitest'
import { ToldProgress } from '../../compute-unit/following/told-progress.ts'

test('progress is told while a process is behind, not too often, and once when it no longer is', () => {
  let nowMs = 1_000
  const clock = { elapsed: () => nowMs }
  const progress = new ToldProgress()
  const told = [false, true, true, true, false, false, true].map(isBehind => {
    nowMs += 150
    return progress.isDue(isBehind, clock)
  })
  expect(told).toEqual([false, true, false, true, true, false, true])
})
