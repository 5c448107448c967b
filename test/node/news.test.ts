import { expect, test } from 'vitest'
import { News } from '../../node/following/news.ts'
import { asProcessId } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { afterwards } from '../fakes/afterwards.ts'

const [ONE, OTHER] = ['A', 'B'].map(letter => asProcessId(`${letter.repeat(42)}A`)) as [
  ReturnType<typeof asProcessId>,
  ReturnType<typeof asProcessId>,
]

test('what changes just as the last news is told is told, too', async () => {
  const told: string[] = []
  const news: News = new News({
    clock: new ManualClock(),
    tell: (_, process) => {
      told.push(process)
      return afterwards(undefined, () => {
        if (told.length === 1) news.changed(keyOf(1), OTHER)
      })
    },
  })
  news.changed(keyOf(1), ONE)
  await settle()
  expect(told).toEqual([ONE, OTHER])
})
