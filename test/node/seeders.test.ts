import { expect, test } from 'vitest'
import { Seeders } from '../../node/following/seeders.ts'
import type { KeyId, SignedPrefix } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'

test('who has more of a feed than one has oneself is found, among those that say so and those that are linked', async () => {
  const { description: process, log } = await ProvenProcess.open([11], 1, [2])
  const [here, seeder, shorter, gone, unit] = [30, 31, 32, 33, 11].map(keyOf) as [KeyId, KeyId, KeyId, KeyId, KeyId]
  const asked: KeyId[] = []
  const clock = new ManualClock()
  using seeders = new Seeders({
    key: here,
    clock,
    log,
    providers: {
      provide: async () => undefined,
      async *find() {
        yield gone
        yield seeder
      },
    },
    linked: () => [here, shorter, unit],
    prefix: async (node, { length }) => {
      asked.push(node)
      if (node === gone) throw new Error('gone')
      return node === seeder && length === 3 ? ({} as SignedPrefix) : undefined
    },
  })
  expect(seeders.of(process)).toEqual([])
  await settle()
  expect(seeders.of(process)).toEqual([seeder])
  // Those that are named are asked without this; nobody is asked again at once.
  expect(asked).toEqual([gone, seeder, shorter])
  clock.advance(60_000)
  seeders.of(process)
  await settle()
  expect(asked).toHaveLength(6)
})
