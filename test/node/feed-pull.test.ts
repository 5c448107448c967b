import { expect, test } from 'vitest'
import { FeedPull } from '../../node/feed-pull.ts'
import { asKeyId, describeSpawnItem, signDataItemSync } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

const process = describeSpawnItem(
  signDataItemSync(
    {
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Type', value: 'Process' },
        { name: 'Module', value: keyOf(3) },
        { name: 'Scheduler', value: keyOf(1) },
      ],
      data: '',
    },
    seedOf(9),
  ),
)

test('a scheduler that gives nothing new is not asked for ever', async () => {
  let asked = 0
  const head = { length: 0, signature: new Uint8Array(64) }
  const pull = new FeedPull({
    key: asKeyId(keyOf(2)),
    log: MemoryLog.open(),
    peers: {
      frames: async () => {
        asked += 1
        if (asked > 10) throw new Error('asked for ever')
        return { from: 0, blocks: [], head, rest: [] }
      },
    },
    describe: async () => process,
  })
  await expect(pull.pull(process.id)).rejects.toMatchObject({ code: 'unreachable' })
  expect(asked).toBe(1)
})
