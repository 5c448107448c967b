import { expect, test } from 'vitest'
import { LeftOver } from '../../messenger-unit/left-over.ts'
import { Unfinished } from '../../messenger-unit/unfinished.ts'
import {
  type Computer,
  describeSpawnItem,
  encodeEnvelope,
  type Result,
  type Sending,
  type Slot,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { spawnItem } from '../fakes/signed-items.ts'

const EVALUATED = 100
const item = spawnItem(keyOf(3), keyOf(1))
const process = describeSpawnItem(item)
const sending = (slot: Slot): Sending => ({ slot, outbox: [{}], assigns: [] }) as unknown as Sending

/** A node that starts again, with a mark at slot 10 and results that come when they are let. */
async function started() {
  const log = MemoryLog.open()
  await log.directory.addProcess(process, encodeEnvelope({ kind: 'item', item: item.bytes }))
  const marked = new Unfinished(log.store)
  marked.scheduled(process.id, 10, EVALUATED)
  const unfinished = new Unfinished(log.store)
  const comes = Promise.withResolvers<void>()
  const computer: Pick<Computer, 'evaluated' | 'results'> & { catchUp(): void } = {
    evaluated: async () => EVALUATED,
    async *results(_process, from, to) {
      await comes.promise
      for (let slot = from; slot < to; slot++) yield sending(slot) as Result
    },
    catchUp: () => undefined,
  }
  const pushed: Slot[] = []
  const push = (id: typeof process.id, { slot }: Sending): void => {
    unfinished.opened(id, slot, 1)
    pushed.push(slot)
  }
  const left = new LeftOver({ log, computer: computer as never }, unfinished, push)
  await left.resumeAll()
  const kept = async (): Promise<Slot | undefined> => (await new Unfinished(log.store).kept()).get(process.id)
  return { unfinished, left, comes, pushed, push, kept }
}

test('a node serves while it reads what is left; what it delivers meanwhile does not count for what is not read yet', async () => {
  const { unfinished, comes, pushed, push, kept, left } = await started()
  expect(pushed).toEqual([])
  // Two hundred slots come, go out, and arrive.
  for (let slot = EVALUATED; slot < 300; slot++) push(process.id, sending(slot))
  unfinished.evaluated(process.id, 300)
  for (let slot = EVALUATED; slot < 300; slot++) unfinished.delivered(process.id, slot)
  unfinished.evaluated(process.id, 340)
  unfinished.sweep()
  expect(await kept()).toBe(10)
  comes.resolve()
  await expect.poll(() => pushed.length).toBe(200 + 90)
  await settle()
  for (let slot = 10; slot < EVALUATED; slot++) unfinished.delivered(process.id, slot)
  unfinished.evaluated(process.id, 400)
  expect(await kept()).toBe(400)
  await left.close()
})

test('who closes it while it reads finds the mark where it was', async () => {
  const { unfinished, comes, pushed, kept, left } = await started()
  const closed = left.close()
  comes.resolve()
  await closed
  unfinished.sweep()
  expect(pushed).toEqual([])
  expect(await kept()).toBe(10)
})
