import { expect, it } from 'vitest'
import { HandoverDesk } from '../../node/handovers/handover-desk.ts'
import type { MovingUnits } from '../../node/handovers/epoch-effects.ts'
import type { EpochPeers } from '../../node/handovers/epoch-news.ts'
import { Handovers } from '../../node/handovers/handovers.ts'
import {
  asKeyId,
  asProcessId,
  beginEpoch,
  decodeEnvelope,
  describeProcess,
  EPOCH_TAGS,
  encodeEpochHold,
  encodeEpochRecord,
  EPOCHS_LEARNED_AT_ONCE_MAX,
  FeedTree,
  HOLD_TAGS,
  type KeyId,
  messagesFeed,
  NO_EPOCH,
  type ProcessId,
  signDataItemSync,
  toBase64Url,
} from '../../protocol/index.ts'
import { settle } from '../fakes/manual-clock.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { Harness, receiptOf, refusalOf, SCHEDULER } from '../scheduler-unit/scheduler-harness.ts'

const [SECOND, THIRD] = [asKeyId(toBase64Url(seedOf(2))), asKeyId(toBase64Url(seedOf(3)))]

/** A process with one message, whose owner hands it over. */
class Handed {
  readonly harness: Harness
  readonly process: ProcessId
  readonly handovers: Handovers
  readonly desk: HandoverDesk
  readonly troubles: string[] = []

  /** Processes that were looked for. */
  readonly described: ProcessId[] = []

  constructor(harness: Harness, process: ProcessId, peers?: EpochPeers, key = SCHEDULER) {
    this.harness = harness
    this.process = process
    const { log, clock, unit: scheduler } = harness
    const describe = (id: ProcessId) => {
      this.described.push(id)
      return log.directory.process(id)
    }
    this.handovers = new Handovers({
      key,
      log,
      clock,
      describe,
      peers,
      trouble: what => void this.troubles.push(what),
    })
    this.desk = new HandoverDesk({
      key: SCHEDULER,
      log,
      clock,
      scheduler,
      describe,
      handovers: this.handovers,
      peers: undefined,
    })
  }

  static async open(
    harness: Harness,
    { peers, units = {} }: { peers?: EpochPeers; units?: Partial<MovingUnits> } = {},
  ): Promise<Handed> {
    const process = await harness.spawn()
    receiptOf(await harness.item(process, messageItem(process).bytes))
    const handed = new Handed(harness, process, peers)
    await handed.handovers.begin({
      hold: async id => void (await harness.unit.hold(id, Number.POSITIVE_INFINITY)),
      release: id => harness.unit.release(id),
      moved: async ({ id }) => harness.unit.moved(id),
      ...units,
    })
    return handed
  }

  order(): Uint8Array {
    const data = encodeEpochHold({
      process: this.process,
      epoch: 0,
      untilMs: this.harness.clock.now() + 1_000,
    })
    return signDataItemSync({ target: this.process, tags: HOLD_TAGS, data }, seedOf(7)).bytes
  }

  /** The record by which others schedule the process from its third block on. */
  async record(schedulers: readonly KeyId[], { process = this.process, unit = SCHEDULER } = {}): Promise<Uint8Array> {
    const tree = FeedTree.from([])
    const feed = messagesFeed({ ...(await this.harness.describe(this.process)), epoch: 0 })
    for await (const block of this.harness.log.blocks(feed, 0, 2)) tree.append(block)
    const data = encodeEpochRecord({
      process,
      epoch: 1,
      policy: {
        schedulers,
        schedulerQuorum: Math.floor(schedulers.length / 2) + 1,
        computeUnits: [unit],
        computeQuorum: 1,
      },
      prologue: { length: 2, hash: tree.hash() },
      slots: 2,
      previous: NO_EPOCH,
    })
    return signDataItemSync({ target: process, tags: EPOCH_TAGS, data }, seedOf(7)).bytes
  }

  async send(): ReturnType<Harness['item']> {
    return this.harness.item(this.process, messageItem(this.process).bytes)
  }
}

it('a last block that is no frame keeps nobody from handing a process over', async () => {
  await using harness = await Harness.open()
  const handed = await Handed.open(harness)
  const feed = messagesFeed(await harness.describe(handed.process))
  await harness.log.commit([{ feed, index: 2, bytes: new Uint8Array([1, 2, 3]), ids: [], firstSlot: 2 }])
  expect(await handed.desk.prepare(handed.order())).toMatchObject({
    blocks: 2,
    slots: 2,
    held: true,
  })
  expect(await handed.desk.take(await handed.record([SCHEDULER]))).toMatchObject({
    epoch: 1,
    isNew: true,
  })
  expect(handed.troubles).toEqual([])
  expect(receiptOf(await handed.send()).slot).toBe(2)
})

it('what a scheduler acknowledged and nobody gives is not said to be kept', async () => {
  await using harness = await Harness.open()
  const handed = await Handed.open(harness)
  const { handovers, process } = handed
  const { log, clock, unit: scheduler } = harness
  const preparing = (blocks: number) => {
    const peers = {
      connected: [],
      frames: async () => undefined,
      hold: async () => ({ length: blocks, slots: blocks, hash: new Uint8Array(32) }),
    }
    const desk = new HandoverDesk({
      key: SECOND,
      log,
      clock,
      scheduler,
      handovers,
      peers,
      describe: id => log.directory.process(id),
    })
    return desk.prepare(handed.order())
  }
  expect(await preparing(2)).toMatchObject({ process, blocks: 2, held: true })
  expect(await preparing(3)).toMatchObject({ process, blocks: 2, held: false })
})

it('a handover that could not be carried out is carried out a little later, and others hear of it at once', async () => {
  await using harness = await Harness.open()
  const told: KeyId[] = []
  let attempts = 0
  const handed = await Handed.open(harness, {
    peers: { peers: [SECOND], tell: async to => void told.push(to), ask: async () => [] },
    units: {
      async moved({ id }) {
        attempts += 1
        if (attempts < 3) throw new Error('the disk is full')
        await harness.unit.moved(id)
      },
    },
  })
  await handed.handovers.take(await handed.record([SCHEDULER]))
  expect(told).toEqual([SECOND])
  for (const seconds of [1, 2]) {
    expect(refusalOf(await handed.send())).toBe('moved')
    harness.clock.advance(seconds * 1_000)
    await settle()
  }
  expect(attempts).toBe(3)
  expect(handed.troubles).toHaveLength(2)
  expect(receiptOf(await handed.send()).slot).toBe(2)
})

it('an owner who hands a process over through two nodes is told so, and is no equivocator', async () => {
  await using harness = await Harness.open()
  const elsewhere: Uint8Array[] = []
  const handed = await Handed.open(harness, {
    peers: { peers: [SECOND], tell: async () => undefined, ask: async () => elsewhere },
  })
  elsewhere.push(await handed.record([SECOND]))
  await expect(handed.desk.take(await handed.record([THIRD]))).rejects.toMatchObject({
    code: 'bad-epoch',
  })
  expect((await harness.describe(handed.process)).policy.schedulers).toEqual([SECOND])
  expect(handed.troubles).toEqual([])
  await expect(handed.desk.prepare(handed.order())).rejects.toMatchObject({ code: 'bad-epoch' })
})

it('several schedulers begin once the feed has all that it begins with', async () => {
  await using harness = await Harness.open()
  const handed = await Handed.open(harness)
  const none = async (): Promise<never> => Promise.reject(new Error('nobody is there'))
  const together = {
    seed: seedOf(1),
    peers: { coSign: none, schedule: none, frames: none },
    settled: () => undefined,
    learnModule: none,
    timers: none,
  }
  await harness.log.directory.addEpoch(handed.process, await handed.record([SCHEDULER, SECOND, THIRD]))
  await using again = await Harness.open({ log: harness.log, together: together as never })
  await expect(again.unit.catchUp(handed.process)).rejects.toMatchObject({ code: 'moved' })
  expect(await beginEpoch(again.log, await again.describe(handed.process), { isNew: true })).toBe(true)
  await again.unit.catchUp(handed.process)
})

it('the schedulers of before hear of a handover as soon as those that follow', async () => {
  await using harness = await Harness.open()
  const told: KeyId[] = []
  const process = await harness.spawn()
  receiptOf(await harness.item(process, messageItem(process).bytes))
  const handed = new Handed(
    harness,
    process,
    { peers: [], tell: async to => void told.push(to), ask: async () => [] },
    THIRD,
  )
  await handed.handovers.begin({
    hold: async () => undefined,
    release: () => undefined,
    moved: async () => undefined,
  })
  await handed.handovers.take(await handed.record([SECOND]))
  expect(told).toEqual([SECOND, SCHEDULER])
})

it('records of processes that nobody knows here are taken from no peer, unless they name this node', async () => {
  await using harness = await Harness.open()
  const handed = await Handed.open(harness)
  const unknown = (number: number): ProcessId => asProcessId(toBase64Url(seedOf(number)))
  await expect(
    handed.handovers.told(await handed.record([SECOND, THIRD], { process: unknown(50), unit: THIRD }), THIRD),
  ).rejects.toMatchObject({ code: 'unknown-process' })
  const forged = await handed.record([SCHEDULER], { process: unknown(50) })
  forged[2] = (forged[2] ?? 0) ^ 1
  await expect(handed.handovers.told(forged, THIRD)).rejects.toMatchObject({ code: 'bad-epoch' })
  expect(handed.described, 'nobody was asked').toEqual([])

  // Of those that name it, so many are looked for at once.
  const told = Array.from({ length: 3 * EPOCHS_LEARNED_AT_ONCE_MAX }, async (_, at) =>
    handed.handovers.told(await handed.record([SCHEDULER], { process: unknown(60 + at), unit: THIRD }), THIRD),
  )
  const codes = (await Promise.allSettled(told)).map(one => (one.status === 'rejected' ? one.reason.code : 'taken'))
  expect(codes.filter(code => code === 'unknown-process').length).toBeLessThanOrEqual(EPOCHS_LEARNED_AT_ONCE_MAX)
  expect(new Set(codes)).toEqual(new Set(['unknown-process', 'busy']))
  await expect(
    handed.handovers.told(await handed.record([SECOND], { process: unknown(60) }), THIRD),
    'there is room again',
  ).rejects.toMatchObject({ code: 'unknown-process' })
  // One that is known here is anybody's to tell.
  await handed.handovers.told(await handed.record([SECOND]), THIRD)
  expect((await harness.describe(handed.process)).epoch).toBe(1)
})

it('a peer that is behind is told once, however often it shows that it is', async () => {
  await using harness = await Harness.open()
  const told: KeyId[] = []
  const heard = Promise.withResolvers<void>()
  const handed = await Handed.open(harness, {
    peers: {
      peers: [],
      tell: async to => {
        told.push(to)
        if (to === THIRD) await heard.promise
      },
      ask: async () => [],
    },
  })
  await handed.handovers.take(await handed.record([SECOND]))
  told.length = 0
  for (let at = 0; at < 20; at++) handed.handovers.met(handed.process, 1, 0, THIRD)
  await settle()
  expect(told).toEqual([THIRD])
  heard.resolve()
  await settle()
  handed.handovers.met(handed.process, 1, 0, THIRD)
  expect(told).toEqual([THIRD, THIRD])
})

it('that an owner signed two records is told to whoever is met later, and asked for with the records', async () => {
  await using harness = await Harness.open()
  const told: Uint8Array[] = []
  const handed = await Handed.open(harness, {
    peers: { peers: [], tell: async (_, item) => void told.push(item), ask: async () => [] },
  })
  const [one, other] = [await handed.record([SECOND]), await handed.record([THIRD])]
  await handed.handovers.take(one)
  await expect(handed.handovers.take(other)).rejects.toMatchObject({ code: 'owner-equivocated' })
  expect(handed.handovers.allOf(handed.process)).toEqual([one, other])
  told.length = 0
  handed.handovers.met(handed.process, 1, 1, THIRD)
  await settle()
  expect(told).toEqual([other])

  // Another node asks, and stands still too; so does this one when it is started again.
  await using there = await Harness.open()
  const asking = await Handed.open(there, {
    peers: { peers: [SCHEDULER], tell: async () => undefined, ask: async () => [one, other] },
  })
  const spawn = (await harness.log.directory.spawnEnvelope(handed.process)) ?? new Uint8Array()
  await there.log.directory.addProcess(describeProcess(decodeEnvelope(spawn)), spawn)
  expect(await asking.handovers.look(handed.process)).toBe(true)
  const again = new Handed(harness, handed.process)
  await again.handovers.begin({ hold: async () => undefined, release: () => undefined, moved: async () => undefined })
  for (const { handovers } of [asking, again]) expect(handovers.allOf(handed.process)).toEqual([one, other])
  expect(again.troubles).toEqual(['epochs'])
})
