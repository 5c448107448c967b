import { expect, test } from 'vitest'
import { LeftOver } from '../../messenger-unit/left-over.ts'
import { Unfinished } from '../../messenger-unit/unfinished.ts'
import {
  type Computer,
  describeSpawnItem,
  encodeEnvelope,
  Failure,
  type Result,
  type Sending,
  type Slot,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
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
  /** The next so many reads fail after so many slots. */
  let failing = 0
  let failsAfter = 2
  let reads = 0
  const computer: Pick<Computer, 'evaluated' | 'results'> & { catchUp(): void } = {
    evaluated: async () => EVALUATED,
    async *results(_process, from, to) {
      await comes.promise
      for (let slot = from; slot < to; slot++) {
        if (slot === from + failsAfter && failing-- > 0) {
          reads += 1
          await new Promise<void>(resolve => setImmediate(resolve))
          throw new Failure('host-fault')
        }
        yield sending(slot) as Result
      }
    },
    catchUp: () => undefined,
  }
  const pushed: Slot[] = []
  const push = (id: typeof process.id, { slot }: Sending): void => {
    unfinished.opened(id, slot, 1)
    pushed.push(slot)
  }
  const clock = new ManualClock()
  const left = new LeftOver({ log, clock, random: () => 0.5, computer: computer as never }, unfinished, push)
  const fail = (times: number, after = 2): void => {
    failing = times
    failsAfter = after
  }
  await left.resumeAll()
  const kept = async (): Promise<Slot | undefined> => (await new Unfinished(log.store).kept()).get(process.id)
  return { unfinished, left, comes, pushed, push, kept, clock, fail, readsFailed: () => reads }
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

test('what cannot be read is tried again until it can, and goes on where it was', async () => {
  const { comes, pushed, clock, fail, left } = await started()
  fail(3)
  comes.resolve()
  for (let tries = 0; pushed.length < 90; tries++) {
    expect(tries).toBeLessThan(10)
    await settle()
    clock.advance(1_000)
  }
  expect(pushed).toEqual(Array.from({ length: 90 }, (_, at) => 10 + at))
  await left.close()
})

test('who closes it while something is to be tried again does not wait for that', async () => {
  const { comes, kept, fail, left } = await started()
  fail(Number.POSITIVE_INFINITY)
  comes.resolve()
  await settle()
  await left.close()
  expect(await kept()).toBe(10)
})

test('what fails before its first result, again and again, holds up nobody who closes it', async () => {
  const { comes, kept, fail, left, readsFailed } = await started()
  fail(Number.POSITIVE_INFINITY, 0)
  comes.resolve()
  await expect.poll(readsFailed, { timeout: 60_000 }).toBe(1)
  await settle()
  await left.close()
  expect(readsFailed()).toBe(1)
  expect(await kept()).toBe(10)
})

test('a process that moved away is not read any more, and who waits for it goes on', async () => {
  const { left, comes, fail, clock, readsFailed, pushed } = await started()
  const reading = left.reading(process.id)
  left.forget(process.id)
  await reading
  expect(left.reading(process.id)).toBeUndefined()
  fail(Number.POSITIVE_INFINITY, 3)
  comes.resolve()
  await settle()
  clock.advance(60_000)
  await settle()
  expect([readsFailed(), pushed]).toEqual([0, []])
  await left.close()
})
