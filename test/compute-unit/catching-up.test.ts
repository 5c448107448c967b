import { expect, test } from 'vitest'
import { CatchingUp } from '../../compute-unit/catching-up.ts'

test('is told now and then while there is something to catch up with, and once more at its end', () => {
  let nowMs = 1_000
  const told: (readonly [number, number])[] = []
  const catchingUp = new CatchingUp(
    (evaluated, scheduled) => told.push([evaluated, scheduled]),
    () => nowMs,
  )
  for (let slot = 1; slot <= 100; slot++) {
    catchingUp.at(slot, 100)
    nowMs += 10
  }
  expect(told).toEqual([
    [1, 100],
    [21, 100],
    [41, 100],
    [61, 100],
    [81, 100],
    [100, 100],
  ])
  // What is evaluated as it comes was never behind.
  for (let slot = 101; slot <= 200; slot++) {
    catchingUp.at(slot, slot)
    nowMs += 1_000
  }
  expect(told).toHaveLength(6)
})
