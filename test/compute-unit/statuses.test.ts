import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  asProcessId,
  encodeEnvelope,
  type Envelope,
  type ModuleId,
  type ProcessId,
  toUtf8,
} from '../../protocol/index.ts'
import { forgeries, keyOf, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { messageItem, rawItem, spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { textOf } from '../fakes/test-node.ts'
import { ComputeHarness, itemEnvelope } from './compute-harness.ts'

let harness: ComputeHarness
let counter: ModuleId
let relay: ModuleId
const sender = new PaperProcess(asProcessId(fakeId(21)), [31, 32, 33], 2)
const stranger = new PaperProcess(asProcessId(fakeId(22)), [34, 35, 36], 2)

beforeAll(async () => {
  harness = await ComputeHarness.open()
  const { directory } = harness.log
  const process = directory.process.bind(directory)
  directory.process = async id => [sender, stranger].find(one => one.id === id)?.description ?? process(id)
  counter = await harness.addStandard('counter')
  relay = await harness.addStandard('relay')
}, 180_000)

afterAll(() => harness[Symbol.asyncDispose]())

const count = async (process: ProcessId): Promise<string> =>
  textOf((await harness.ask(process, { Action: 'Get' })).output)

describe('every slot ends in a status', { timeout: 180_000 }, () => {
  it('ok, with output and gas; error, without any effect', async () => {
    const process = await harness.spawn(counter)
    expect(await harness.ask(process, { Action: 'Add', Quantity: '5' })).toMatchObject({
      status: 'ok',
      error: undefined,
    })
    const failed = await harness.ask(process, { Action: 'Add', Quantity: 'many' })
    expect(failed).toMatchObject({ status: 'error', outbox: [] })
    expect(failed.gas).toBeGreaterThan(0n)
    expect(await count(process)).toBe('5')
  })

  it('duplicate, for an item that stood in the feed before, in this frame or an earlier one', async () => {
    const process = await harness.spawn(counter)
    const envelope = itemEnvelope(process, { Action: 'Add' })
    const first = await harness.write(process, [envelope, envelope])
    expect(await harness.unit.result(process, first)).toMatchObject({ status: 'ok' })
    expect(await harness.unit.result(process, first + 1)).toMatchObject({
      status: 'duplicate',
      gas: 0n,
    })
    expect(await harness.put(process, envelope)).toMatchObject({ status: 'duplicate' })
    expect(await count(process)).toBe('1')
  })

  it('refused, for an item that no honest scheduler would have taken', async () => {
    const process = await harness.spawn(counter)
    const other = await harness.spawn(counter)
    const forged = messageItem(process, { tags: { Action: 'Add' } }).bytes.slice()
    forged[10] = (forged[10] ?? 0) ^ 1
    const twice = rawItem({
      target: process,
      tags: [...tagsOf({ 'Data-Protocol': 'ao', Type: 'Message', Action: 'Add' }), ...tagsOf({ type: 'Message' })],
    })
    const bad = [
      forged,
      messageItem(other, { tags: { Action: 'Add' } }).bytes,
      spawnItem(counter, keyOf(1)).bytes,
      twice.bytes,
      new Uint8Array(50),
      new Uint8Array(0),
    ]
    for (const item of bad)
      expect(await harness.put(process, { kind: 'item', item })).toMatchObject({
        status: 'refused',
        gas: 0n,
      })
    const assigned: Envelope = {
      kind: 'assign',
      message: { kind: 'item', item: new Uint8Array(50) },
      exclude: [],
    }
    expect(await harness.put(process, assigned)).toMatchObject({ status: 'refused' })
    expect(await count(process)).toBe('0')
  })

  it('duplicate and gap, for pushes out of order; reject consumes its seq', async () => {
    const process = await harness.spawn(relay)
    const pushes = sender.envelopes(process, 5, { action: 'Echo' })
    const statuses: string[] = []
    for (const at of [1, 0, 0, 2, 1]) {
      const push = pushes[at]
      if (push !== undefined) statuses.push((await harness.put(process, push)).status)
    }
    expect(statuses).toEqual(['gap', 'ok', 'duplicate', 'gap', 'ok'])
    const reject = (seq: number): Promise<{ status: string }> =>
      harness.put(process, { kind: 'reject', from: sender.id, seq, reason: 'too-large' })
    expect([(await reject(5)).status, (await reject(2)).status, (await reject(2)).status]).toEqual([
      'gap',
      'reject',
      'duplicate',
    ])
    const [third, fourth] = [pushes[2], pushes[3]]
    if (third === undefined || fourth === undefined) throw new TypeError('expected pushes')
    expect([(await harness.put(process, third)).status, (await harness.put(process, fourth)).status]).toEqual([
      'duplicate',
      'ok',
    ])
  })

  it('refused, for every forged push that a colluding scheduler puts into the feed', async () => {
    const process = await harness.spawn(relay)
    for (const [what, envelope] of forgeries(sender, stranger, process)) {
      expect((await harness.put(process, envelope)).status, what).toBe('refused')
    }
    const [genuine] = sender.certify([
      [sender.push(process, { seq: 0, slot: sender.slot, action: 'Echo', body: 'hello' })],
    ])
    if (genuine === undefined) throw new TypeError('expected a push')
    const result = await harness.put(process, genuine)
    expect(result).toMatchObject({ status: 'ok' })
    expect(textOf(result.output)).toBe('hello')
    expect(result.outbox.map(({ core }) => [core.to, core.seq, core.depth])).toEqual([[sender.id, 0, 2]])
  })

  it('idle, for a tick that no due timer asked for', async () => {
    const process = await harness.spawn(counter, { 'Cron-Interval': '5-minutes' })
    await harness.unit.result(process, 0)
    const [timer] = harness.timers.get(process) ?? []
    if (timer === undefined) throw new TypeError('expected a timer')
    const tick = (dueMs: number, key: string, at: number): Promise<{ status: string }> =>
      harness.put(process, { kind: 'tick', timer: Uint8Array.from(key, char => char.charCodeAt(0)), dueMs }, at)
    expect((await tick(timer.dueMs, timer.key, timer.dueMs - 1)).status).toBe('idle')
    expect((await tick(timer.dueMs - 1, timer.key, timer.dueMs)).status).toBe('idle')
    expect((await tick(timer.dueMs, 'other', timer.dueMs)).status).toBe('idle')
    // The counter knows no ticks: its failure is its own, and the timer has fired all the same.
    expect((await tick(timer.dueMs, timer.key, timer.dueMs + 700_000)).status).toBe('error')
    expect((await tick(timer.dueMs, timer.key, timer.dueMs + 700_000)).status).toBe('idle')
    expect(harness.timers.get(process)).toEqual([{ ...timer, dueMs: timer.dueMs + 900_000 }])
  })

  it('is the same for all slots of a feed, whatever stands between them', async () => {
    const process = await harness.spawn(counter)
    const junk: Envelope[] = [
      { kind: 'item', item: new Uint8Array(9) },
      { kind: 'tick', timer: toUtf8('x'), dueMs: 1 },
      { kind: 'reject', from: stranger.id, seq: 8, reason: 'x'.repeat(100) },
    ]
    const envelopes = Array.from({ length: 40 }, (_, i) =>
      i % 2 === 0 ? itemEnvelope(process, { Action: 'Add' }) : (junk[i % 3] ?? junk[0] ?? itemEnvelope(process)),
    )
    const first = await harness.write(process, envelopes)
    await harness.unit.result(process, first + envelopes.length - 1)
    expect(await harness.unit.evaluated(process)).toBe(41)
    expect(await count(process)).toBe('20')
    expect(encodeEnvelope(junk[0] ?? itemEnvelope(process)).length).toBeGreaterThan(0)
  })
})
