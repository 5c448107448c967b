import { describe, expect, it } from 'vitest'
import {
  asMessageId,
  asProcessId,
  ITEM_SIZE_MAX_BYTES,
  PENDING_PER_PROCESS_MAX,
  PENDING_PER_PROCESS_MAX_BYTES,
} from '../../protocol/index.ts'
import { Ahead } from '../../scheduler-unit/lanes/ahead.ts'
import { Lane } from '../../scheduler-unit/lanes/lane.ts'
import { RecentReceipts } from '../../scheduler-unit/lanes/recent-receipts.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { messageItem, rawItem, spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { Harness, NO_MODULE, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'

const AO = { 'Data-Protocol': 'ao', Type: 'Message' }

describe('admission to a feed', () => {
  it('refuses an item for another process, and keeps nothing of it', async () => {
    await using harness = await Harness.open()
    const [mine, other] = [await harness.spawn(), await harness.spawn()]
    expect(refusalOf(await harness.item(mine, messageItem(other).bytes))).toBe('wrong-target')
    expect(refusalOf(await harness.item(mine, rawItem({ tags: tagsOf(AO) }).bytes))).toBe('wrong-target')
    expect(await harness.envelopes(mine)).toHaveLength(1)
  })

  it('refuses an item without a usable Type or Data-Protocol', async () => {
    await using harness = await Harness.open()
    const target = await harness.spawn()
    const tries = [
      { Type: 'Message' },
      { 'Data-Protocol': 'oa', Type: 'Message' },
      { 'Data-Protocol': 'ao' },
      { 'Data-Protocol': 'ao', Type: 'Module' },
      { 'Data-Protocol': 'ao', Type: 'message' },
    ]
    for (const tags of tries) {
      const answer = await harness.item(target, rawItem({ target, tags: tagsOf(tags) }).bytes)
      expect(refusalOf(answer), JSON.stringify(tags)).toBe('wrong-type')
    }
  })

  it('takes Type and Data-Protocol as HyperBEAM spells them, for what is no control message', async () => {
    await using harness = await Harness.open()
    const target = await harness.spawn()
    const small = (type: string, ...more: { name: string; value: string }[]) =>
      rawItem({ target, tags: [...tagsOf({ 'data-protocol': 'ao', type }), ...more] }).bytes
    expect((await harness.item(target, small('Message'))).status).toBe('scheduled')
    const upgrade = tagsOf({ Action: 'Upgrade', Module: NO_MODULE })
    for (const bytes of [
      small('message'),
      small('Control', ...upgrade),
      small('Message', ...tagsOf({ Type: 'Message' })),
    ])
      expect(refusalOf(await harness.item(target, bytes))).toBe('wrong-type')
  })

  it('refuses a system tag that says two things, in any case, but takes two Data-Protocols', async () => {
    await using harness = await Harness.open()
    const target = await harness.spawn()
    const twice = (...more: [string, string][]) =>
      rawItem({ target, tags: [...tagsOf(AO), ...more.map(([name, value]) => ({ name, value }))] }).bytes
    for (const more of [
      [['Type', 'Process']],
      [['type', 'Message']],
      [
        ['From-Process', 'a'],
        ['from-process', 'b'],
      ],
    ] as [string, string][][]) {
      expect(refusalOf(await harness.item(target, twice(...more)))).toBe('wrong-type')
    }
    for (const more of [
      ['Data-Protocol', 'other'],
      ['Type', 'Message'],
    ] as [string, string][]) {
      expect((await harness.item(target, twice(more))).status).toBe('scheduled')
    }
  })

  it('refuses what is too large, malformed or wrongly signed', async () => {
    await using harness = await Harness.open()
    const target = await harness.spawn()
    const large = messageItem(target, { data: new Uint8Array(ITEM_SIZE_MAX_BYTES) }).bytes
    expect(refusalOf(await harness.item(target, large))).toBe('too-large')
    expect(refusalOf(await harness.item(target, new Uint8Array(100)))).toBe('malformed-item')
    const genuine = messageItem(target).bytes
    for (const at of [2, 40, 70, genuine.length - 1]) {
      const forged = genuine.slice()
      forged[at] = (forged[at] ?? 0) ^ 1
      expect(refusalOf(await harness.item(target, forged)), `byte ${at}`).toMatch(/bad-signature|wrong|malformed/)
    }
    expect(await harness.envelopes(target)).toHaveLength(1)
  })

  it('refuses an id that comes again with other bytes, waiting or durable', async () => {
    await using harness = await Harness.open()
    const target = await harness.spawn()
    const first = messageItem(target, { data: 'pay 1' }).bytes
    const second = first.slice()
    second[second.length - 1] = 57
    const [a, b] = await harness.unit.schedule(
      [first, second].map(item => ({ process: target, envelope: { kind: 'item', item } })),
    )
    expect(receiptOf(a).slot).toBe(1)
    expect(b && refusalOf(b)).toBe('id-reused')
    await using later = await Harness.open({ log: harness.log })
    expect(refusalOf(await later.item(target, second))).toBe('id-reused')
    expect(receiptOf(await later.item(target, first))).toEqual(receiptOf(a))
  })

  it('knows no process that nobody spawned, and schedules none that names another scheduler', async () => {
    await using harness = await Harness.open()
    expect(refusalOf(await harness.item(asProcessId(NO_MODULE), messageItem(NO_MODULE).bytes))).toBe('unknown-process')
    const foreign = spawnItem(NO_MODULE, NO_MODULE)
    expect(refusalOf(await harness.item(asProcessId(foreign.id), foreign.bytes))).toBe('not-scheduler')
    const two = spawnItem(NO_MODULE, SCHEDULER, { tags: { 'Scheduler-Quorum': '2' } })
    expect(refusalOf(await harness.item(asProcessId(two.id), two.bytes))).toBe('wrong-type')
  })

  it('takes a spawn although a message for it came first', async () => {
    await using harness = await Harness.open()
    const spawn = spawnItem(NO_MODULE, SCHEDULER)
    const process = asProcessId(spawn.id)
    const [early, spawned] = await Promise.all([
      harness.item(process, messageItem(process).bytes),
      harness.item(process, spawn.bytes),
    ])
    expect(refusalOf(early)).toBe('unknown-process')
    expect(receiptOf(spawned).slot).toBe(0)
  })

  it('takes no envelope that only a scheduler makes', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const tick = await harness.one({
      process,
      envelope: { kind: 'tick', timer: new Uint8Array(1), dueMs: 1 },
    })
    const reject = await harness.one({
      process,
      envelope: { kind: 'reject', from: process, seq: 0, reason: 'x' },
    })
    expect([refusalOf(tick), refusalOf(reject)]).toEqual(['wrong-type', 'wrong-type'])
  })

  it('bounds how fast one signer may write, whatever the clock does', async () => {
    await using harness = await Harness.open({ signerRatePerSecond: 1 })
    const target = await harness.spawn()
    const post = async (): Promise<string> => refusalOf(await harness.item(target, messageItem(target).bytes))
    for (let i = 0; i < 9; i++) expect(await post()).toBe('scheduled')
    expect(await post()).toBe('busy')
    harness.clock.advance(1000)
    expect(await post()).toBe('scheduled')
    harness.clock.advance(-3_600_000)
    expect(await post()).toBe('busy')
    harness.clock.advance(1000)
    expect(await post()).toBe('scheduled')
    expect(refusalOf(await harness.item(target, messageItem(target, { signer: 8 }).bytes))).toBe('scheduled')
  })

  /** The lane of a process whose log stands still from the first message on, until `goOn`; each message has so many bytes. */
  async function heldLane(sizeBytes: number) {
    const log = MemoryLog.open()
    const gate = Promise.withResolvers<void>()
    let closed = false
    const commit = log.commit.bind(log)
    log.commit = async blocks => {
      if (closed) await gate.promise
      return commit(blocks)
    }
    const harness = await Harness.open({ log })
    const process = await harness.spawn()
    closed = true
    const lane = await Lane.open({
      log,
      ahead: new Ahead(),
      recent: new RecentReceipts(),
      process: await harness.describe(process),
      now: () => 1,
      committed: () => undefined,
    })
    const tick = { kind: 'tick', timer: new Uint8Array(1), dueMs: 1 } as const
    const enqueue = () => lane.enqueue(asMessageId(''), tick, { sizeBytes }).answer
    const first = enqueue()
    await new Promise(resolve => setImmediate(resolve))
    return { enqueue, first, goOn: gate.resolve, [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose]() }
  }

  it.each([
    ['much', PENDING_PER_PROCESS_MAX, 8],
    ['so many bytes', 32, PENDING_PER_PROCESS_MAX_BYTES / 32],
  ])('is busy when too %s wait for one process, and takes more afterwards', async (_, count, sizeBytes) => {
    await using lane = await heldLane(sizeBytes)
    const waiting = Array.from({ length: count }, lane.enqueue)
    expect(lane.enqueue).toThrow(expect.objectContaining({ code: 'busy' }))
    lane.goOn()
    for (const answer of await Promise.all([lane.first, ...waiting])) expect(answer.status).toBe('scheduled')
    expect((await lane.enqueue()).status).toBe('scheduled')
  })
})
