import { expect, test } from 'vitest'
import { FeedPull } from '../../node/following/feed-pull.ts'
import { asKeyId, describeSpawnItem, Failure, signDataItemSync } from '../../protocol/index.ts'
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

test('of several schedulers one that lies keeps nobody from what another has', async () => {
  const shared = describeSpawnItem(
    signDataItemSync(
      {
        tags: [
          { name: 'Data-Protocol', value: 'ao' },
          { name: 'Type', value: 'Process' },
          { name: 'Module', value: keyOf(3) },
          ...[1, 4, 5].map(number => ({ name: 'Scheduler', value: keyOf(number) })),
          { name: 'Scheduler-Quorum', value: '2' },
        ],
        data: '',
      },
      seedOf(9),
    ),
  )
  const lies: Failure[] = [new Failure('unknown-process'), new Failure('bad-certificate'), new Failure('not-permitted')]
  for (const lie of lies) {
    const asked: string[] = []
    const pull = new FeedPull({
      key: asKeyId(keyOf(2)),
      log: MemoryLog.open(),
      peers: {
        frames: async scheduler => {
          asked.push(scheduler)
          if (scheduler === keyOf(1)) throw lie
          return undefined
        },
      },
      describe: async () => shared,
    })
    await pull.pull(shared.id)
    expect(asked).toEqual([1, 4, 5].map(keyOf))
  }
})

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

test('who asks while a feed is pulled shares one more pull, which may find what the one under way was too early for', async () => {
  const answers: (() => void)[] = []
  const pull = new FeedPull({
    key: asKeyId(keyOf(2)),
    log: MemoryLog.open(),
    peers: { frames: () => new Promise(resolve => answers.push(() => resolve(undefined))) },
    describe: async () => process,
  })
  const done: string[] = []
  const ask = (name: string) => pull.pull(process.id).then(() => done.push(name))
  const first = ask('first')
  const others = ['second', 'third', 'fourth'].map(ask)
  await expect.poll(() => answers.length).toBe(1)
  answers[0]?.()
  await first
  expect(done).toEqual(['first'])
  await expect.poll(() => answers.length).toBe(2)
  const late = ask('late')
  answers[1]?.()
  await Promise.all(others)
  expect(done).toEqual(['first', 'second', 'third', 'fourth'])
  await expect.poll(() => answers.length).toBe(3)
  answers[2]?.()
  await late
  // Nothing is left over.
  const again = ask('again')
  await expect.poll(() => answers.length).toBe(4)
  answers[3]?.()
  await again
})

test('a pull that fails fails for those who shared it, and for nobody after it', async () => {
  let asked = 0
  const pull = new FeedPull({
    key: asKeyId(keyOf(2)),
    log: MemoryLog.open(),
    peers: {
      frames: async () => {
        asked += 1
        if (asked === 1) throw new Failure('unreachable')
        return undefined
      },
    },
    describe: async () => process,
  })
  const [first, second] = [pull.pull(process.id), pull.pull(process.id)]
  await expect(first).rejects.toMatchObject({ code: 'unreachable' })
  await second
  expect(asked).toBe(2)
})
