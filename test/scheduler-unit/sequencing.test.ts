import { describe, expect, it } from 'vitest'
import {
  asProcessId,
  encodeFrame,
  Failure,
  FRAME_ASSIGNMENTS_MAX,
  FRAME_SIZE_BYTES,
  type ProcessId,
  type Receipt,
  type ScheduleRequest,
} from '../../protocol/index.ts'
import { cutFrames } from '../../scheduler-unit/lanes/cut-frames.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { messageItem, spawnItem } from '../fakes/signed-items.ts'
import { Harness, NO_MODULE, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'

describe('a feed', { timeout: 180_000 }, () => {
  it('gives slots in the order of the requests, without gaps, to many callers at once', async () => {
    await using harness = await Harness.open()
    const [a, b] = [await harness.spawn(), await harness.spawn()]
    const calls = Array.from({ length: 20 }, (_, call) => {
      const items = Array.from({ length: 15 }, () => (call % 2 === 0 ? a : b)).map(process => ({
        process,
        item: messageItem(process).bytes,
      }))
      return harness.unit.schedule(items.map(({ process, item }) => ({ process, envelope: { kind: 'item', item } })))
    })
    const receipts = (await Promise.all(calls)).map(answers => answers.map(receiptOf))
    for (const one of receipts) {
      const slots = one.map(({ slot }) => slot)
      expect(slots).toEqual(slots.toSorted((x, y) => x - y))
    }
    for (const process of [a, b]) {
      const slots = receipts
        .flat()
        .filter(receipt => receipt.process === process)
        .map(({ slot }) => slot)
      expect(slots.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
      expect(await harness.envelopes(process)).toHaveLength(151)
    }
  })

  it('cuts frames at 64 KiB and 1,024 messages, one larger message alone', async () => {
    const entry = (sizeBytes: number): { sizeBytes: number } => ({ sizeBytes })
    const sizes = (frames: readonly unknown[][]): number[] => frames.map(frame => frame.length)
    expect(sizes(cutFrames(Array.from({ length: 2500 }, () => entry(1))))).toEqual([1024, 1024, 452])
    expect(sizes(cutFrames([entry(10), entry(100_000), entry(10), entry(10)]))).toEqual([1, 1, 2])
    expect(cutFrames([])).toEqual([])
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const items = [...Array.from({ length: 200 }, () => 1000), 200_000, 10].map(
      size => messageItem(process, { data: new Uint8Array(size) }).bytes,
    )
    await harness.unit.schedule(items.map(item => ({ process, envelope: { kind: 'item', item } })))
    expect(await harness.envelopes(process)).toHaveLength(203)
    for (const { firstSlot, assignments } of await harness.frames(process)) {
      const bytes = encodeFrame(firstSlot, assignments).length
      expect(assignments.length).toBeLessThanOrEqual(FRAME_ASSIGNMENTS_MAX)
      if (bytes > FRAME_SIZE_BYTES + 32) expect(assignments).toHaveLength(1)
    }
    expect((await harness.frames(process)).length).toBeGreaterThan(4)
  })

  it('gives one slot and a thousand equal receipts to one item that fifty callers post', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const { bytes } = messageItem(process)
    const post = async (on: Harness): Promise<Receipt[]> => {
      const calls = Array.from({ length: 50 }, async () => {
        const receipts: Receipt[] = []
        for (let i = 0; i < 10; i++) {
          const answers = await on.unit.schedule(
            [0, 1].map(() => ({ process, envelope: { kind: 'item', item: bytes } })),
          )
          receipts.push(...answers.map(receiptOf))
        }
        return receipts
      })
      return (await Promise.all(calls)).flat()
    }
    const receipts = await post(harness)
    expect(receipts).toHaveLength(1000)
    await using later = await Harness.open({ log: harness.log, clock: new ManualClock(9_000_000) })
    receipts.push(...(await post(later)))
    expect(new Set(receipts.map(receipt => JSON.stringify(receipt))).size).toBe(1)
    expect(await later.envelopes(process)).toHaveLength(2)
  })

  it('knows a message again while it waits, however many came after it', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const commit = harness.log.commit.bind(harness.log)
    let commits = 0
    harness.log.commit = async blocks => {
      await gates[commits++]?.promise
      return commit(blocks)
    }
    const items = Array.from({ length: 700 }, () => messageItem(process).bytes)
    const post = (list: readonly Uint8Array[]) =>
      harness.unit.schedule(list.map(item => ({ process, envelope: { kind: 'item', item } })))
    const first = post(items.slice(0, 350))
    await settle(30)
    // The first message is durable now, all others of the first half are on their way to the disk.
    gates[0]?.resolve()
    await settle(30)
    const second = post(items.slice(350))
    await settle(30)
    const again = post(items.slice(0, 10))
    await settle(10)
    gates[1]?.resolve()
    await second
    expect(commits).toBeGreaterThan(2)
    expect((await again).map(answer => receiptOf(answer).slot)).toEqual(
      (await first).slice(0, 10).map(answer => receiptOf(answer).slot),
    )
    expect(await harness.envelopes(process)).toHaveLength(701)
  })

  describe('of a call with many requests', () => {
    const requestsFor = (processes: readonly ProcessId[], count: number): ScheduleRequest[] =>
      Array.from({ length: count }, (_, at) => processes[at % processes.length] ?? processes[0]).flatMap(process =>
        process === undefined ? [] : { process, envelope: { kind: 'item', item: messageItem(process).bytes } },
      )

    it('holds all of them in one frame, though others had their turns in between', async () => {
      await using harness = await Harness.open()
      const processes = [await harness.spawn(), await harness.spawn(), await harness.spawn()]
      harness.clock.sleep = () => settle(5)
      const answers = await harness.unit.schedule(requestsFor(processes, 300))
      expect(answers.map(answer => receiptOf(answer).slot)).toEqual(answers.map((_, at) => 1 + Math.floor(at / 3)))
      for (const process of processes) {
        const frames = await harness.frames(process)
        expect(frames.map(({ assignments }) => assignments.length)).toEqual([1, 100])
      }
    })

    it('takes in what a small call brings meanwhile, which does not wait for the end', async () => {
      await using harness = await Harness.open()
      const process = await harness.spawn()
      let small: number | undefined
      harness.clock.sleep = async () => {
        small ??= receiptOf(await harness.item(process, messageItem(process).bytes)).slot
      }
      await harness.unit.schedule(requestsFor([process], 100))
      expect(small).toBe(33)
      const frames = await harness.frames(process)
      expect(frames.map(({ assignments }) => assignments.length)).toEqual([1, 33, 68])
    })

    it('is committed piece by piece where that takes long, or much comes for one process', async () => {
      await using harness = await Harness.open()
      const [slow, hot] = [await harness.spawn(), await harness.spawn()]
      harness.clock.sleep = async () => {
        harness.clock.advance(6_000)
        await settle(5)
      }
      await harness.unit.schedule(requestsFor([slow], 120))
      expect((await harness.frames(slow)).length).toBeGreaterThan(2)
      harness.clock.sleep = () => settle(5)
      await harness.unit.schedule(requestsFor([hot], 400))
      expect((await harness.frames(hot)).length).toBeGreaterThan(2)
    })
  })

  it('never lets timestamps decrease, also when the clock goes back across a restart', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const times: number[] = []
    for (const step of [500, -2000, 100, 5000, -100_000]) {
      harness.clock.advance(step)
      times.push(receiptOf(await harness.item(process, messageItem(process).bytes)).timestampMs)
    }
    await using later = await Harness.open({ log: harness.log, clock: new ManualClock(5) })
    times.push(receiptOf(await later.item(process, messageItem(process).bytes)).timestampMs)
    expect(times).toEqual([1_000_500, 1_000_500, 1_000_500, 1_003_600, 1_003_600, 1_003_600])
  })

  it('tells of every frame once, in order, after it is durable', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    for (let i = 0; i < 5; i++) await harness.item(process, messageItem(process).bytes)
    expect(harness.committed.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
    expect(harness.committed.map(({ firstSlot }) => firstSlot)).toEqual([0, 1, 2, 3, 4, 5])
  })
})

describe('a commit that fails', () => {
  it('gives the failure to every caller and a receipt to none, and the lane recovers', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    harness.log.failCommits(new Failure('disk-full'))
    const items = Array.from({ length: 40 }, () => messageItem(process).bytes)
    const answers = await Promise.all(items.map(item => harness.item(process, item)))
    expect(new Set(answers.map(refusalOf))).toEqual(new Set(['disk-full']))
    expect(await harness.envelopes(process)).toHaveLength(1)
    harness.log.failCommits(undefined)
    const retried = await Promise.all(items.map(item => harness.item(process, item)))
    expect(retried.map(answer => receiptOf(answer).slot).toSorted((a, b) => a - b)).toEqual(items.map((_, i) => i + 1))
    expect(await harness.envelopes(process)).toHaveLength(41)
    expect(harness.committed.at(-1)?.ids.length).toBeGreaterThan(0)
  })

  it('leaves no trace of a process whose spawn failed', async () => {
    await using harness = await Harness.open()
    const spawn = spawnItem(NO_MODULE, SCHEDULER)
    const process = asProcessId(spawn.id)
    harness.log.failCommits(new Failure('disk-full'))
    expect(refusalOf(await harness.item(process, spawn.bytes))).toBe('disk-full')
    harness.log.failCommits(undefined)
    expect(refusalOf(await harness.item(process, messageItem(process).bytes))).toBe('unknown-process')
    expect(receiptOf(await harness.item(process, spawn.bytes)).slot).toBe(0)
    expect(receiptOf(await harness.item(process, messageItem(process).bytes)).slot).toBe(1)
  })

  it('never leaves two writers of one feed behind', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    for (let round = 0; round < 5; round++) {
      harness.log.failCommits(new Failure('disk-full'))
      const failing = Array.from({ length: 30 }, () => harness.item(process, messageItem(process).bytes))
      await Promise.race(failing)
      harness.log.failCommits(undefined)
      const mixed = Array.from({ length: 30 }, () => harness.item(process, messageItem(process).bytes))
      const codes = (await Promise.all([...failing, ...mixed])).map(refusalOf)
      expect(codes.filter(code => code !== 'scheduled' && code !== 'disk-full')).toEqual([])
    }
    const envelopes = await harness.envelopes(process)
    expect(envelopes.length).toBeGreaterThan(100)
  })

  it('refuses everything once it is closed', async () => {
    const harness = await Harness.open()
    const process = await harness.spawn()
    await harness[Symbol.asyncDispose]()
    expect(refusalOf(await harness.item(process, messageItem(process).bytes))).toBe('shutting-down')
  })
})
