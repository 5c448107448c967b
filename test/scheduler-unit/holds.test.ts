import { expect, it, vi } from 'vitest'
import { asMessageId, type Envelope, Failure, type ProcessId, type ScheduleAnswer } from '../../protocol/index.ts'
import { expectBegun } from '../../scheduler-unit/lanes/expect-begun.ts'
import { Ahead } from '../../scheduler-unit/lanes/ahead.ts'
import { Lane } from '../../scheduler-unit/lanes/lane.ts'
import { RecentReceipts } from '../../scheduler-unit/lanes/recent-receipts.ts'
import { settle } from '../fakes/manual-clock.ts'
import { messageItem } from '../fakes/signed-items.ts'
import { Harness, receiptOf, refusalOf } from './scheduler-harness.ts'

const FOR_GOOD = Number.POSITIVE_INFINITY

/** Has every look-up of a message's slot wait until `open`. */
function gate({ log }: Harness): { open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const slotOf = log.messages.slotOf.bind(log.messages)
  vi.spyOn(log.messages, 'slotOf').mockImplementation(async (...asked) => {
    await promise
    return await slotOf(...asked)
  })
  return { open: resolve }
}

function send(harness: Harness, process: ProcessId): Promise<ScheduleAnswer> {
  return harness.item(process, messageItem(process).bytes)
}

it('what was on its way to its slot gets none once the hold was answered', async () => {
  await using harness = await Harness.open()
  const process = await harness.spawn()
  await harness.unit.hold(process, harness.clock.now() + 1)
  harness.clock.advance(1)
  const { open } = gate(harness)
  const answer = send(harness, process)
  await settle()
  await harness.unit.hold(process, FOR_GOOD)
  open()
  expect(refusalOf(await answer)).toBe('moved')
  expect(await harness.envelopes(process)).toHaveLength(1)
})

it('a second order to hold does not shorten the first', async () => {
  await using harness = await Harness.open()
  const process = await harness.spawn()
  await harness.unit.hold(process, FOR_GOOD)
  await harness.unit.hold(process, harness.clock.now() + 1)
  harness.clock.advance(2)
  expect(refusalOf(await send(harness, process))).toBe('moved')
  harness.unit.release(process)
  receiptOf(await send(harness, process))
})

it('a lane that retires leaves nobody waiting', async () => {
  await using harness = await Harness.open()
  const process = await harness.describe(await harness.spawn())
  const { log } = harness
  const lane = await Lane.open({
    log,
    process,
    ahead: new Ahead(),
    recent: new RecentReceipts(),
    now: () => 1,
    committed: () => undefined,
  })
  const { id, bytes } = messageItem(process.id)
  const envelope: Envelope = { kind: 'item', item: bytes }
  const { answer } = lane.enqueue(asMessageId(id), envelope, {
    gathers: true,
  })
  lane.retire()
  expect(await answer).toMatchObject({ status: 'failed', failure: { code: 'busy' } })
})

it('whether processes were handed over is asked about all of one call at once', async () => {
  const asked = new Set<ProcessId>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const confirmEpoch = (process: ProcessId): Promise<void> => {
    if (asked.add(process).size === 3) resolve()
    return promise
  }
  await using harness = await Harness.open()
  const processes = await Promise.all([1, 2, 3].map(() => harness.spawn()))
  await using again = await Harness.open({ log: harness.log, confirmEpoch })
  const requests = processes.map(process => ({
    process,
    envelope: { kind: 'item', item: messageItem(process).bytes } as const,
  }))
  for (const answer of await again.unit.schedule(requests)) receiptOf(answer)
})

it('what one call brought is not held back while another message of it is looked up', async () => {
  await using harness = await Harness.open()
  const [first, second] = [await harness.spawn(), await harness.spawn()]
  await harness.unit.hold(second, harness.clock.now())
  const { open } = gate(harness)
  const processes = [...Array.from({ length: 31 }, () => first), second, second]
  const answers = harness.unit.schedule(
    processes.map(process => ({
      process,
      envelope: { kind: 'item', item: messageItem(process).bytes },
    })),
  )
  await settle()
  expect(await harness.envelopes(first)).toHaveLength(32)
  open()
  for (const answer of await answers) receiptOf(answer)
})

it('a feed is written to once what it begins with is there, and on disk', async () => {
  await using harness = await Harness.open()
  const process = await harness.describe(await harness.spawn())
  const begun = {
    ...process,
    epoch: 1,
    prologue: { length: 2, slots: 2, hash: new Uint8Array(32) },
  }
  let synced = 0
  const logOf = (length: number): Parameters<typeof expectBegun>[0] => ({
    length: async () => length,
    sync: async () => void (synced += 1),
  })
  await expect(expectBegun(logOf(1), begun)).rejects.toMatchObject({ code: 'moved' })
  await expectBegun(logOf(3), begun)
  expect(synced).toBe(0)
  await expectBegun(logOf(2), begun)
  expect(synced).toBe(1)
})

it('what has its slot is told so, though whoever hears of it next fails', async () => {
  let fails = false
  await using harness = await Harness.open({
    committed: () => {
      if (fails) throw new Failure('internal')
    },
  })
  const process = await harness.spawn()
  fails = true
  const requests = Array.from({ length: 3 }, () => ({
    process,
    envelope: { kind: 'item' as const, item: messageItem(process).bytes },
  }))
  const answers = await harness.unit.schedule(requests)
  expect(answers.map(({ status }) => status)).toEqual(['scheduled', 'scheduled', 'scheduled'])
})

it('what expired while it waited says nothing about what it came with, which is waited for', async () => {
  await using harness = await Harness.open()
  const process = await harness.describe(await harness.spawn())
  const lane = await Lane.open({
    log: harness.log,
    process,
    ahead: new Ahead(),
    recent: new RecentReceipts(),
    now: () => 1,
    committed: () => undefined,
  })
  const add = (window?: { notBeforeMs: number; notAfterMs: number }) => {
    const { id, bytes } = messageItem(process.id)
    return lane.enqueue(asMessageId(id), { kind: 'item', item: bytes }, { window, gathers: true })
  }
  const first = add()
  const late = add({ notBeforeMs: 0, notAfterMs: 0 })
  const told: string[] = []
  const note = async ({ answer }: typeof first): Promise<void> => void told.push((await answer).status)
  await Promise.all([note(first), note(late), lane.durable().then(() => told.push('durable'))])
  expect(told.toSorted()).toEqual(['durable', 'failed', 'scheduled'])
  expect(told[0]).toBe('failed')
  expect(await harness.envelopes(process.id)).toHaveLength(2)
  await lane.durable()
})

it('a date that is set ends no hold, and makes none last', async () => {
  await using harness = await Harness.open()
  const { clock, unit } = harness
  const process = await harness.spawn()
  await unit.hold(process, clock.now() + 60_000)
  clock.setDate(3_600_000)
  expect(refusalOf(await send(harness, process))).toBe('moved')
  clock.setDate(-7_200_000)
  clock.advance(60_000)
  receiptOf(await send(harness, process))
})
