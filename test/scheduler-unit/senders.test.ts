import { expect, test } from 'vitest'
import { asProcessId, type Envelope, type ProcessId } from '../../protocol/index.ts'
import { Senders } from '../../scheduler-unit/lanes/senders.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const MANY = 5_000
const processOf = (n: number): ProcessId => asProcessId(Buffer.alloc(32).fill(`${n} `).toString('base64url'))
const rejectOf = (sender: ProcessId, seq: number): Envelope => ({
  kind: 'reject',
  from: sender,
  seq,
  reason: 'too-large',
})
const open = (store = new MemoryStore()): Senders => new Senders(processOf(0), store, 0)

async function loadMany(senders: Senders): Promise<void> {
  for (let n = 10; n < 10 + MANY; n++) await senders.load(processOf(n))
}

test('of senders that only asked, the last are at hand; the others are looked up again', async () => {
  const senders = open()
  await loadMany(senders)
  expect(senders.expected(processOf(9 + MANY))).toBe(0)
  expect(senders.expected(processOf(10))).toBeUndefined()
  await senders.load(processOf(10))
  expect(senders.expected(processOf(10))).toBe(0)
})

test('nothing is forgotten of who waits for a slot, or of what the store was not told yet', async () => {
  const senders = open()
  const [waiting, written, both] = [processOf(1), processOf(2), processOf(3)]
  for (const sender of [waiting, written, both]) await senders.load(sender)
  for (const sender of [waiting, written, both]) senders.enqueued(rejectOf(sender, 0))
  senders.enqueued(rejectOf(both, 1))
  senders.durable([{ envelope: rejectOf(written, 0) }, { envelope: rejectOf(both, 0) }], 1)
  await loadMany(senders)
  expect([waiting, written, both].map(sender => senders.expected(sender))).toEqual([1, 1, 2])
})

test('what the store was told is looked up again with what was written since', async () => {
  const store = new MemoryStore()
  const senders = open(store)
  const sender = processOf(1)
  await senders.load(sender)
  for (const seq of [0, 1]) senders.enqueued(rejectOf(sender, seq))
  senders.durable([{ envelope: rejectOf(sender, 0) }, { envelope: rejectOf(sender, 1) }], 100)
  expect(senders.expected(sender)).toBe(2)
  await loadMany(senders)
  expect(senders.expected(sender)).toBeUndefined()
  await senders.load(sender)
  expect(senders.expected(sender)).toBe(2)
})
