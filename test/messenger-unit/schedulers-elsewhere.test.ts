import { expect, it } from 'vitest'
import { SchedulersElsewhere } from '../../messenger-unit/schedulers-elsewhere.ts'
import { asKeyId } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock } from '../fakes/manual-clock.ts'

it('a scheduler that could not be reached comes last for a while, however the date is set', () => {
  const clock = new ManualClock()
  const elsewhere = new SchedulersElsewhere({ schedule: async () => [] }, clock)
  const [first, second] = [asKeyId(keyOf(1)), asKeyId(keyOf(2))]
  elsewhere.failed(first)
  clock.setDate(3_600_000)
  expect(elsewhere.inOrder([first, second])).toEqual([second, first])
  clock.setDate(-7_200_000)
  clock.advance(15_000)
  expect(elsewhere.inOrder([first, second])).toEqual([first, second])
})
