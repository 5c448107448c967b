import { expect, test } from 'vitest'
import { HeadExchange } from '../../evidence/index.ts'
import { HEADS_EVERY_MS, type KeyId } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem } from '../fakes/signed-items.ts'

const [slow, quick] = [keyOf(21), keyOf(22)]

test('a peer that takes nothing keeps no other from being shown what is new', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  await process.log.directory.addProcess(process.description, process.spawn)
  const clock = new ManualClock()
  const shown: number[] = []
  const never = new Promise<never>(() => undefined)
  const peers = {
    // Whoever connected first is the slow one.
    peers: [slow, quick] as readonly KeyId[],
    showHeads: async (to: KeyId, heads: readonly { prefix: { length: number } }[]) => {
      if (to === slow) return never
      shown.push(...heads.map(({ prefix }) => prefix.length))
    },
    prefix: async () => undefined,
    tell: () => never,
  }
  using _exchange = new HeadExchange({
    log: process.log,
    clock,
    peers,
    book: { list: () => [], conflict: async () => undefined } as never,
    trouble: () => undefined,
  })
  await settle()
  expect(shown).toEqual([1])
  for (const length of [2, 3]) {
    await process.add([{ kind: 'item', item: messageItem(process.id, { data: `${length}` }).bytes }])
    clock.advance(HEADS_EVERY_MS)
    await settle()
    expect(shown.at(-1)).toBe(length)
  }
})
