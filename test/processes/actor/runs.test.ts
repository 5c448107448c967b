import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { type Guest, type GuestMessage, TooLong } from '../../../protocol/index.ts'
import { FakeContext, fakeProcess, guestMessage } from '../../fakes/guest-context.ts'
import { actorText, loadActor, openActor, runOnce, SAMPLE_ACTOR } from './sample-actor.ts'

const LIMIT = 1_000_000_000n
const COUNT = '(i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))'
const SCRATCH = [{ name: 'Actor-Memory', value: 'scratch' }]

const withByte = (byte: number): Partial<GuestMessage> => ({ data: Uint8Array.of(byte) })

describe('endings', () => {
  it.each([
    ['a trap', 1, 'trap', 'the program trapped'],
    ['endless calls', 5, 'stack-overflow', 'calls nested too deep'],
    ['a load behind the end of memory', 6, 'trap', 'the program trapped'],
  ])("after %s charges the whole limit, with a text that is not the engine's", async (_, what, code, message) => {
    const guest = await openActor(SAMPLE_ACTOR)
    const ending = runOnce(guest, withByte(what))
    expect(ending).toEqual({ status: 'error', gas: LIMIT, error: { code, message } })
    expect(runOnce(guest, withByte(0)).status).toBe('ok')
  })

  it('after more gas than others wait for is none: the run is given up, and repeated with patience ends as ever', async () => {
    const guest = await openActor(SAMPLE_ACTOR)
    runOnce(guest, withByte(0))
    const state = () => Buffer.from(guest.chunk(0)).toString('hex')
    const before = state()
    const patience = 100_000n
    for (const what of [2, 5]) {
      const impatient = Object.assign(new FakeContext(), { patienceGas: patience })
      expect(() => guest.run(guestMessage(withByte(what)), impatient, LIMIT)).toThrow(TooLong)
      expect(state()).toBe(before)
    }
    const short = Object.assign(new FakeContext(), { patienceGas: LIMIT / 2n })
    expect(runOnce(guest, withByte(1), short)).toEqual(runOnce(guest, withByte(1)))
    expect(runOnce(guest, withByte(5), short)).toMatchObject({ gas: LIMIT, error: { code: 'stack-overflow' } })
    expect(runOnce(guest, withByte(2), short, patience)).toMatchObject({ gas: patience, error: { code: 'out-of-gas' } })
    expect(runOnce(guest, withByte(0), short).status).toBe('ok')
  })

  it('tells the code a process returned, and charges what it used', async () => {
    const ending = runOnce(await openActor(SAMPLE_ACTOR), withByte(4))
    expect(ending).toMatchObject({
      status: 'error',
      error: { code: 'abort', message: 'the process returned 7' },
    })
    expect(ending.gas).toBeLessThan(100_000n)
  })

  it('charges equal gas for equal work, hot or cold', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const [hot, cold] = [factory.open(fakeProcess(5)), factory.open(fakeProcess(6))]
    const gas = Array.from({ length: 300 }, () => runOnce(hot, withByte(0)).gas)
    expect(runOnce(cold, withByte(0)).gas).toBe(gas[0])
  })

  it('charges equal gas whether or not a run before it failed', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const failedBefore = factory.open(fakeProcess(5))
    expect(runOnce(failedBefore, withByte(7))).toMatchObject({ error: { code: 'trap' } })
    const grow = (guest: Guest) => [3, 3, 3, 0].map(what => runOnce(guest, withByte(what)).gas)
    const fresh = (await loadActor(SAMPLE_ACTOR)).open(fakeProcess(5))
    expect(grow(failedBefore)).toEqual(grow(fresh))
    const changed = failedBefore.takeChanged()
    expect(changed).toEqual(fresh.takeChanged())
  })

  it('does not let the size of one process show in another', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const [large, small] = [factory.open(fakeProcess(5)), factory.open(fakeProcess(6))]
    expect(runOnce(large, withByte(3)).status).toBe('ok')
    expect([large.pages, small.pages]).toEqual([2, 1])
    expect(runOnce(small, withByte(6))).toMatchObject({ error: { code: 'trap' } })
    expect(runOnce(large, withByte(6)).status).toBe('ok')
  })

  it('passes on what a context throws, and stands as before', async () => {
    const guest = await openActor(SAMPLE_ACTOR)
    const broken = new FakeContext()
    const actor = await openActor(actorText(`${COUNT}(call $delete (i32.const 0) (i32.const 1))`))
    broken.cells.delete = () => {
      throw new TypeError('a bug')
    }
    expect(() => actor.run(guestMessage(), broken, LIMIT)).toThrow('a bug')
    const ending = runOnce(actor)
    expect(ending.status === 'ok' ? ending.output[0] : undefined).toBe(1)
    guest.close()
  })
})

describe('a message', () => {
  it('stands in the inbox as the ABI lays it out', async () => {
    const body = '(call $reply (i32.const 4096) (local.get $length)) (return (i32.const 0))'
    const ending = runOnce(await openActor(actorText(body)), {
      kind: 'tick',
      slot: 2 ** 40 + 3,
      timestampMs: 1_700_000_000_123,
      depth: 5,
      id: 'ID',
      target: 'TARGET',
      from: 'FRÖM',
      owner: 'O',
      fromProcess: fakeProcess().id,
      tags: [
        { name: 'N', value: 'välue' },
        { name: '', value: '' },
      ],
      data: Uint8Array.of(9, 8),
      anchor: Uint8Array.of(7),
      timer: '\xfe\x00',
    })
    if (ending.status === 'error') throw new Error(ending.error.message)
    const bytes = ending.output
    const view = new DataView(bytes.slice().buffer)
    expect([...bytes.subarray(0, 4)]).toEqual([1, 2, 1 | 2 | 4, 0])
    expect(view.getUint32(4, true)).toBe(5)
    expect(view.getBigUint64(8, true)).toBe(2n ** 40n + 3n)
    expect(view.getBigUint64(16, true)).toBe(1_700_000_000_123n)
    expect(view.getUint32(24, true)).toBe(2)
    const bounds = Array.from({ length: 11 }, (_, index) => view.getUint32(28 + 4 * index, true))
    expect(bounds[0]).toBe(72)
    expect(bounds[10]).toBe(bytes.length)
    const field = (index: number) => Buffer.from(bytes.subarray(bounds[index], bounds[index + 1]))
    expect([0, 1, 2, 3].map(index => field(index).toString())).toEqual(['ID', 'TARGET', 'FRÖM', 'O'])
    expect(field(5)).toHaveLength(0)
    expect([field(6), field(7), field(9)].map(part => [...part])).toEqual([[7], [0xfe, 0], [9, 8]])
    expect(field(8).toString('hex')).toBe('01000000060000004e76c3a46c75650000000000000000')
  })

  it('may be larger than memory was', async () => {
    const grows = `(module (memory (export "memory") 1)
      (func (export "inbox") (param i32) (result i32)
        (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 0) (i32.const 16)))))
        (i32.const 65536))
      (func (export "handle") (param $length i32) (result i32)
        (i32.sub (i32.load8_u (i32.add (i32.const 65535) (local.get $length))) (i32.const 42))))`
    const guest = await openActor(grows)
    const data = new Uint8Array(200_000).fill(42)
    expect(runOnce(guest, { data }).status).toBe('ok')
    expect(guest.pages).toBe(5)
  })

  it.each([['-1'], ['65535'], ['131072']])('is not written to an inbox at %s', async at => {
    const text = `(module (memory (export "memory") 2)
      (func (export "inbox") (param i32) (result i32) (i32.const ${at === '65535' ? 131_000 : at}))
      (func (export "handle") (param i32) (result i32) (i32.const 0)))`
    expect(runOnce(await openActor(text))).toMatchObject({ error: { code: 'bad-call' } })
  })

  it('of kind query goes to the export of that name, or to handle', async () => {
    const query =
      '(func (export "query") (param i32) (result i32) (call $reply (i32.const 1) (i32.const 1)) (i32.const 0))'
    const [with_, without] = [await openActor(actorText(COUNT, query)), await openActor(actorText(COUNT))]
    expect(runOnce(with_, { kind: 'query' })).toMatchObject({
      status: 'ok',
      output: Uint8Array.of(0),
    })
    expect(runOnce(without, { kind: 'query' })).toMatchObject({ status: 'ok' })
    expect(without.chunk(0)[0]).toBe(1)
  })
})

describe('making ready', () => {
  const steps = `
    (global $order (mut i32) (i32.const 0))
    (func $step (param i32)
      (global.set $order (i32.add (i32.mul (global.get $order) (i32.const 10)) (local.get 0)))
      (i32.store (i32.const 512) (global.get $order)))
    (func $start (call $step (i32.const 1)))
    (start $start)
    (func (export "_initialize") (call $step (i32.const 2)))
    (func (export "init") (call $step (i32.const 3)))`

  it('runs start function, _initialize and init once a module, into the image', async () => {
    const factory = await loadActor(actorText('(i32.store (i32.const 0) (i32.load (i32.const 512)))', steps))
    for (const number of [5, 6]) {
      const ending = runOnce(factory.open(fakeProcess(number)))
      if (ending.status === 'error') throw new Error(ending.error.message)
      expect(new DataView(ending.output.slice().buffer).getUint32(0, true)).toBe(123)
    }
  })

  it('gives a larger instance the same image', async () => {
    const body = `(drop (memory.grow (i32.const 1)))(i32.store (i32.const 0) (i32.load (i32.const 512)))`
    const guest = (await loadActor(actorText(body, steps))).open(fakeProcess())
    const first = guest.run(guestMessage(), new FakeContext(), LIMIT)
    guest.discard()
    expect(guest.pages).toBe(2)
    const second = guest.run(guestMessage(), new FakeContext(), LIMIT)
    expect(second).toEqual(first)
    guest.keep()
    expect(guest.pages).toBe(3)
  })

  it.each([
    ['traps', 'unreachable', 'trap'],
    ['never ends', '(loop $again (br $again))', 'out-of-gas'],
    ['calls the host', '(drop (call $now))', 'bad-call'],
  ])('refuses a module whose init %s', async (_, init, reason) => {
    const text = actorText('', `(func (export "init") ${init})`)
    await expect(loadActor(text)).rejects.toThrow(reason)
  })
})

describe('modules', () => {
  const exported =
    '(func (export "inbox") (param i32) (result i32) (i32.const 0)) (func (export "handle") (param i32) (result i32) (i32.const 0))'
  const memory = '(memory (export "memory") 1)'
  it.each([
    ['without memory', exported],
    ['without handle', `${memory}(func (export "inbox") (param i32) (result i32) (i32.const 0))`],
    ['without inbox', `${memory}(func (export "handle") (param i32) (result i32) (i32.const 0))`],
    [
      'with a handle of two parameters',
      `${memory}(func (export "inbox") (param i32) (result i32) (i32.const 0)) (func (export "handle") (param i32 i32) (result i32) (i32.const 0))`,
    ],
    [
      'with a handle that gives 64 bits',
      `${memory}(func (export "inbox") (param i32) (result i32) (i32.const 0)) (func (export "handle") (param i32) (result i64) (i64.const 0))`,
    ],
    [
      'whose handle is a global',
      `${memory}(func (export "inbox") (param i32) (result i32) (i32.const 0)) (global (export "handle") i32 (i32.const 0))`,
    ],
    ['with an init that wants something', `${memory}${exported}(func (export "init") (param i32))`],
    ['with an import of another module', `(import "env" "send" (func (param i32 i32)))${memory}${exported}`],
    ['with an import that is not there', `(import "atoll" "steal" (func))${memory}${exported}`],
    ['with an import of inherited name', `(import "atoll" "constructor" (func))${memory}${exported}`],
    ['with an import of other types', `(import "atoll" "send" (func (param i32 i64)))${memory}${exported}`],
    ['with an imported memory', `(import "atoll" "memory" (memory 1))${exported}`],
    ['with floats at its border', `${memory}${exported}(func (export "f") (param f64))`],
    [
      'with a table that changes',
      `${memory}${exported}(table 1 funcref)(func (table.set 0 (i32.const 0) (ref.null func)))`,
    ],
  ])('are refused %s', async (_, fields) => {
    await expect(loadActor(`(module ${fields})`)).rejects.toMatchObject({ code: 'module-refused' })
  })
})

describe('scratch memory', () => {
  it('is as in the image in every slot, after good and bad endings and after growth', async () => {
    const factory = await loadActor(SAMPLE_ACTOR, SCRATCH)
    const guest = factory.open(fakeProcess())
    const first = runOnce(guest, withByte(0))
    for (const what of [0, 1, 3, 2, 0, 4, 5]) runOnce(guest, withByte(what), new FakeContext(), 5_000_000n)
    expect(runOnce(guest, withByte(0))).toEqual(first)
    expect(guest.takeChanged()).toEqual([])
    expect(guest.pages).toBe(1)
    expect(guest.sizeBytes).toBeLessThan(1000)
  })

  it('costs less gas than memory that is kept', async () => {
    const [kept, scratch] = [await openActor(SAMPLE_ACTOR), await openActor(SAMPLE_ACTOR, SCRATCH)]
    expect(runOnce(scratch, withByte(0)).gas).toBeLessThan(runOnce(kept, withByte(0)).gas)
  })
})

describe('many processes', () => {
  it('of many sizes each keep their own state', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const guests = Array.from({ length: 40 }, (_, index) => factory.open(fakeProcess(100 + index)))
    guests.forEach((guest, index) => {
      for (let n = 0; n < index; n++) expect(runOnce(guest, withByte(3)).status).toBe('ok')
    })
    const counts = guests.map(guest => {
      const ending = runOnce(guest, withByte(0))
      return ending.status === 'ok' ? [ending.output[0], ending.output[16]] : []
    })
    expect(counts).toEqual(guests.map((_, index) => [index + 1, index + 1]))
  })

  it('take a few kilobytes each', async () => {
    const factory = await loadActor(actorText(COUNT))
    const guests = Array.from({ length: 100 }, (_, index) => factory.open(fakeProcess(100 + index)))
    for (const guest of guests) runOnce(guest)
    expect(guests.reduce((sum, guest) => sum + guest.sizeBytes, 0) / 100).toBeLessThan(10_000)
  })

  it('refuse to run while another run of the same module is open', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const [one, other] = [factory.open(fakeProcess(5)), factory.open(fakeProcess(6))]
    one.run(guestMessage(withByte(0)), new FakeContext(), LIMIT)
    expect(() => other.run(guestMessage(withByte(0)), new FakeContext(), LIMIT)).toThrow('another run')
    one.discard()
    expect(runOnce(other, withByte(0)).status).toBe('ok')
  })

  it('refuses a snapshot that does not fit', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const { pages, engine } = factory.image
    const chunk = new Uint8Array(4096)
    expect(() => factory.open(fakeProcess(), { pages, engine, chunks: new Map([[16, chunk]]) })).toThrow(RangeError)
    expect(() => factory.open(fakeProcess(), { pages, engine: engine.slice(1), chunks: new Map() })).toThrow(RangeError)
    expect(() => factory.open(fakeProcess(), { pages, engine, chunks: new Map([[0, chunk.slice(1)]]) })).toThrow(
      RangeError,
    )
  })
})
