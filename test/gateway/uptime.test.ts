import { expect, it } from 'vitest'
import { FakeUnits } from '../fakes/fake-units.ts'
import { fakeOperations } from '../fakes/fake-gateway.ts'
import { ManualClock } from '../fakes/manual-clock.ts'

it('a node has run for as long as it has run, whatever date somebody sets', async () => {
  const clock = new ManualClock()
  const operations = fakeOperations(new FakeUnits(), undefined, clock)
  for (const byMs of [3_600_000, -7_200_000]) {
    clock.setDate(byMs)
    clock.advance(1_000)
  }
  expect(await operations.node({}, {})).toMatchObject({ uptimeMs: 2_000 })
})
