import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { HOST_COSTS } from '../../../processes/actor/host-costs.ts'
import { CELL_VALUE_MAX_BYTES, fromUtf8, OUTBOX_SPAWNS_MAX } from '../../../protocol/index.ts'
import { FakeCells, FakeContext, fakeId, fakeProcess, tags } from '../../fakes/guest-context.ts'
import { actorText, openActor, runOnce, tryBody } from './sample-actor.ts'

const OUTPUT_BYTES = 256

/** Little-endian 32-bit numbers as a WAT string. */
const u32 = (...values: number[]): string =>
  values.map(value => [0, 8, 16, 24].map(shift => hex((value >>> shift) & 0xff)).join('')).join('')

const hex = (byte: number): string => `\\${byte.toString(16).padStart(2, '0')}`

/** An outgoing message as bytes of a data segment, and its length. */
function outgoing(parts: { name?: string; tags?: string[]; data?: string; anchor?: string }): [string, number] {
  const { name = 'peer', data = '', anchor } = parts
  const pairs = parts.tags ?? []
  let encoded = ''
  let tagBytes = 0
  for (let at = 0; at < pairs.length; at += 2) {
    const [tag = '', value = ''] = pairs.slice(at, at + 2)
    encoded += u32(tag.length, value.length) + tag + value
    tagBytes += 8 + tag.length + value.length
  }
  const head = u32(
    name.length,
    pairs.length / 2,
    tagBytes,
    data.length,
    anchor === undefined ? 0xffff_ffff : anchor.length,
  )
  const length = 20 + name.length + (anchor?.length ?? 0) + tagBytes + data.length
  return [head + name + (anchor ?? '') + encoded + data, length]
}

const at512 = (bytes: string): string => `(data (i32.const 512) "${bytes}")`

describe('cells', () => {
  it('gives what was set, and the length of what does not fit', async () => {
    const context = new FakeContext(new FakeCells(new Map([['k', Uint8Array.of(1, 2, 3)]])))
    const body = `
      (i32.store (i32.const 0) (call $get (i32.const 512) (i32.const 1) (i32.const 16) (i32.const 3)))
      (i32.store (i32.const 4) (call $get (i32.const 512) (i32.const 1) (i32.const 32) (i32.const 2)))
      (i32.store (i32.const 8) (call $get (i32.const 513) (i32.const 1) (i32.const 48) (i32.const 9)))
      (call $set (i32.const 513) (i32.const 1) (i32.const 16) (i32.const 2))
      (call $delete (i32.const 512) (i32.const 1))
      (call $add (i32.const 514) (i32.const 1) (i64.const -5))`
    const ending = await tryBody(body, at512('kn\\ff'), context)
    if (ending.status === 'error') throw new Error(ending.error.message)
    expect([...new Int32Array(ending.output.slice(0, 12).buffer)]).toEqual([3, 3, -1])
    expect([...ending.output.slice(16, 20)]).toEqual([1, 2, 3, 0])
    expect([...ending.output.slice(32, 36)]).toEqual([0, 0, 0, 0])
    expect(context.cells.values.get('k')).toBeUndefined()
    expect(context.cells.values.get('n')).toEqual(Uint8Array.of(1, 2))
    expect(context.cells.values.get('\xff')).toEqual(Uint8Array.of(251, 255, 255, 255, 255, 255, 255, 255))
  })

  it('keeps a value that the guest overwrites later', async () => {
    const context = new FakeContext()
    const body = `
      (call $set (i32.const 512) (i32.const 1) (i32.const 512) (i32.const 1))
      (i32.store8 (i32.const 512) (i32.const 0))`
    expect((await tryBody(body, at512('k'), context)).status).toBe('ok')
    expect(context.cells.values.get('k')).toEqual(Uint8Array.of(107))
  })

  it.each([
    ['forwards', 0, ['a', 'aa', 'b']],
    ['backwards', 1, ['b', 'aa', 'a']],
  ])('scans %s', async (_, reverse, expected) => {
    const keys = ['b', 'a', 'c', 'aa', '\xff'].map(key => [key, Uint8Array.of(1)] as const)
    const context = new FakeContext(new FakeCells(new Map(keys)))
    const body = `
      (i32.store (i32.const 0) (call $scan (i32.const 512) (i32.const 1) (i32.const 513) (i32.const 1)
        (i32.const 10) (i32.const ${reverse}) (i32.const 4) (i32.const 100)))
      (i32.store (i32.const 128) (call $scan (i32.const 512) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 1024) (i32.const 0) (i32.const 132) (i32.const 26)))
      (i32.store (i32.const 200) (call $scan (i32.const 512) (i32.const 1) (i32.const 513) (i32.const 1)
        (i32.const 10) (i32.const 0) (i32.const 204) (i32.const 4)))`
    const ending = await tryBody(body, at512('ac'), context)
    if (ending.status === 'error') throw new Error(ending.error.message)
    const view = new DataView(ending.output.slice().buffer)
    expect(view.getInt32(0, true)).toBe(3)
    expect(keysAt(view, 4, 3)).toEqual(expected)
    // Without an upper bound all five are there, but the fifth does not fit.
    expect(keysAt(view, 132, view.getInt32(128, true))).toEqual(['a', 'aa', 'b', 'c', '\xff'])
    expect(view.getInt32(200, true)).toBe(-1)
  })

  it.each([
    ['a key that is too long', '(call $delete (i32.const 0) (i32.const 257))'],
    ['a key outside of memory', '(call $delete (i32.const 131071) (i32.const 2))'],
    ['a negative length', '(call $delete (i32.const 0) (i32.const -1))'],
    ['a pointer near the end of the address space', '(call $delete (i32.const -1) (i32.const 2))'],
    [
      'a value that is too large',
      `(call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const ${CELL_VALUE_MAX_BYTES + 1}))`,
    ],
    ['a value outside of memory', '(call $set (i32.const 0) (i32.const 1) (i32.const 131072) (i32.const 1))'],
    [
      'a place for a value outside of memory',
      '(drop (call $get (i32.const 0) (i32.const 1) (i32.const 131072) (i32.const 1)))',
    ],
    [
      'a place for a value that ends outside',
      '(drop (call $get (i32.const 0) (i32.const 1) (i32.const 0) (i32.const -1)))',
    ],
    [
      'too high a limit of a scan',
      '(drop (call $scan (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1025) (i32.const 0) (i32.const 0) (i32.const 9)))',
    ],
    [
      'a place for keys outside of memory',
      '(drop (call $scan (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 131072) (i32.const 9)))',
    ],
  ])('stops at %s', async (_, body) => {
    expect(await tryBody(body)).toMatchObject({
      status: 'error',
      gas: 1_000_000_000n,
      error: { code: 'bad-call' },
    })
  })
})

function keysAt(view: DataView, start: number, count: number): string[] {
  let at = start
  return Array.from({ length: count }, () => {
    const length = view.getUint32(at, true)
    const key = Buffer.from(view.buffer, at + 4, length).toString('latin1')
    at += 4 + length
    return key
  })
}

describe('outbox', () => {
  it('sends with tags in their order, data and anchor', async () => {
    const [bytes, length] = outgoing({
      tags: ['A', '1', 'A', '2', '', 'x'],
      data: 'hello',
      anchor: 'ref',
    })
    const context = new FakeContext()
    const ending = await tryBody(`(call $send (i32.const 512) (i32.const ${length}))`, at512(bytes), context)
    expect(ending.status).toBe('ok')
    const [sent] = context.sent
    expect(sent).toMatchObject({ to: 'peer', tags: tags('A', '1', 'A', '2', '', 'x') })
    expect([sent?.data, sent?.anchor].map(part => fromUtf8(part ?? new Uint8Array(0)))).toEqual(['hello', 'ref'])
  })

  it('writes the id of a child it spawned', async () => {
    const [bytes, length] = outgoing({ name: fakeId(4), tags: ['Name', 'kid'] })
    const context = new FakeContext()
    const body = `(call $spawn (i32.const 512) (i32.const ${length}) (i32.const 3))`
    const ending = await tryBody(body, at512(bytes), context)
    if (ending.status === 'error') throw new Error(ending.error.message)
    expect(fromUtf8(ending.output.slice(3, 46))).toBe(context.spawned[0]?.id)
    expect(context.spawned[0]).toMatchObject({ module: fakeId(4), tags: tags('Name', 'kid') })
  })

  it('asks for an assignment', async () => {
    const lists = `${u32(1, 3)}msg${u32(2, 1)}p${u32(1)}q${u32(1, 4)}Data`
    const context = new FakeContext()
    const ending = await tryBody('(call $assign (i32.const 512) (i32.const 37))', at512(lists), context)
    expect(ending.status).toBe('ok')
    expect(context.assigned).toEqual([{ message: 'msg', processes: ['p', 'q'], exclude: ['Data'] }])
  })

  const [good, goodLength] = outgoing({ tags: ['A', '1'], data: 'x' })
  it.each([
    ['shorter than its header', good, 19],
    ['cut short', good, goodLength - 1],
    ['longer than it says', good, goodLength + 1],
    ['without a receiver', ...outgoing({ name: '' })],
    ['with too long a receiver', ...outgoing({ name: 'p'.repeat(129) })],
    ['with too long an anchor', ...outgoing({ anchor: 'a'.repeat(33) })],
    ['with too many tags', ...outgoing({ tags: Array.from({ length: 258 }, () => 'a') })],
    ['with too large tags', ...outgoing({ tags: ['a', 'v'.repeat(4096)] })],
    ['with a receiver that is not UTF-8', `${u32(1, 0, 0, 0, 0xffff_ffff)}\\ff`, 21],
    ['with a tag that is not UTF-8', `${u32(1, 1, 10, 0, 0xffff_ffff)}p${u32(1, 1)}\\c0a`, 31],
    ['with fewer tags than it says', `${u32(1, 2, 10, 0, 0xffff_ffff)}p${u32(1, 1)}aa`, 31],
    ['with more tags than it says', `${u32(1, 0, 10, 0, 0xffff_ffff)}p${u32(1, 1)}aa`, 31],
    ['with a tag longer than its tags', `${u32(1, 1, 10, 0, 0xffff_ffff)}p${u32(1, 0xffff_fff0)}aa`, 31],
    ['with a length that is not there', `${u32(0xffff_ffff, 0, 0, 0, 0xffff_ffff)}`, 20],
  ])('stops at a message %s', async (_, bytes, length) => {
    const context = new FakeContext()
    const ending = await tryBody(`(call $send (i32.const 512) (i32.const ${length}))`, at512(bytes), context)
    expect(ending).toMatchObject({ status: 'error', error: { code: 'bad-call' } })
    expect(context.sent).toEqual([])
  })

  it.each([
    ['no message', u32(0, 0, 0)],
    ['two messages', `${u32(2, 1)}a${u32(1)}b${u32(0, 0)}`],
    ['a list cut short', u32(1, 9)],
    ['a list without end', u32(0xffff_ffff)],
    ['bytes behind the end', `${u32(1, 1)}a${u32(0, 0, 0)}`],
  ])('stops at an assignment of %s', async (_, lists) => {
    const bytes = lists.replaceAll(/\\[0-9a-f]{2}/g, '.').length
    const ending = await tryBody(`(call $assign (i32.const 512) (i32.const ${bytes}))`, at512(lists))
    expect(ending).toMatchObject({ status: 'error', error: { code: 'bad-call' } })
  })

  it('stops at one spawn too many', async () => {
    const [bytes, length] = outgoing({ name: fakeId(4) })
    const call = `(call $spawn (i32.const 512) (i32.const ${length}) (i32.const 0))`
    expect((await tryBody(call.repeat(OUTBOX_SPAWNS_MAX), at512(bytes))).status).toBe('ok')
    const over = await tryBody(call.repeat(OUTBOX_SPAWNS_MAX + 1), at512(bytes))
    expect(over).toMatchObject({ status: 'error', error: { code: 'outbox-limit' } })
  })
})

describe('small calls', () => {
  it('tells its own id and the time of the slot', async () => {
    const body = `
      (i32.store (i32.const 0) (call $self (i32.const 16)))
      (i64.store (i32.const 8) (call $now))`
    const ending = await tryBody(body)
    if (ending.status === 'error') throw new Error(ending.error.message)
    expect(ending.output[0]).toBe(43)
    expect(fromUtf8(ending.output.slice(16, 59))).toBe(fakeProcess().id)
    expect(new DataView(ending.output.slice().buffer).getBigUint64(8, true)).toBe(1_700_000_000_000n)
  })

  it('gives the random bytes of the context', async () => {
    const ending = await tryBody('(call $random (i32.const 0) (i32.const 8))')
    if (ending.status === 'error') throw new Error(ending.error.message)
    expect(ending.output.slice(0, 8)).toEqual(new FakeContext().random(8))
    expect(ending.output).toHaveLength(OUTPUT_BYTES)
  })

  it('sets and clears timers', async () => {
    const context = new FakeContext()
    context.timers.set('b', { dueMs: 1, everyMs: undefined })
    const body = `
      (call $set_timer (i32.const 512) (i32.const 1) (i64.const 5000) (i64.const 1000))
      (call $set_timer (i32.const 514) (i32.const 1) (i64.const 7000) (i64.const 0))
      (call $clear_timer (i32.const 513) (i32.const 1))`
    expect((await tryBody(body, at512('abc'), context)).status).toBe('ok')
    expect([...context.timers]).toEqual([
      ['a', { dueMs: 5000, everyMs: 1000 }],
      ['c', { dueMs: 7000, everyMs: undefined }],
    ])
  })

  it('logs text, mended where it is not UTF-8', async () => {
    const context = new FakeContext()
    await tryBody('(call $log (i32.const 512) (i32.const 3))', at512('a\\ffb'), context)
    expect(context.lines).toEqual(['a\ufffdb'])
  })

  it.each([
    ['an interval that is too short', '(call $set_timer (i32.const 0) (i32.const 1) (i64.const 0) (i64.const 999))'],
    ['a negative interval', '(call $set_timer (i32.const 0) (i32.const 1) (i64.const 0) (i64.const -1))'],
    [
      'a time beyond numbers',
      '(call $set_timer (i32.const 0) (i32.const 1) (i64.const 0x20000000000000) (i64.const 0))',
    ],
    ['too long a timer key', '(call $set_timer (i32.const 0) (i32.const 65) (i64.const 0) (i64.const 0))'],
    ['too many random bytes', '(call $random (i32.const 0) (i32.const 65537))'],
    ['random bytes outside of memory', '(call $random (i32.const 131071) (i32.const 2))'],
    ['a place for the id outside of memory', '(drop (call $self (i32.const 131070)))'],
    [
      'an output that is too large',
      '(drop (memory.grow (i32.const 20)))(call $reply (i32.const 0) (i32.const 1048577))',
    ],
    ['an output outside of memory', '(call $reply (i32.const 131072) (i32.const 1))'],
    ['a log outside of memory', '(call $log (i32.const 131072) (i32.const 1))'],
    ['a last word outside of memory', '(call $fail (i32.const 131072) (i32.const 1))'],
  ])('stops at %s', async (_, body) => {
    expect(await tryBody(body)).toMatchObject({ status: 'error', error: { code: 'bad-call' } })
  })

  it('fails with the text of the guest, charging only what was used', async () => {
    const ending = await tryBody('(call $fail (i32.const 512) (i32.const 4))', at512('oops'))
    expect(ending).toMatchObject({ status: 'error', error: { code: 'abort', message: 'oops' } })
    expect(ending.gas).toBeLessThan(50_000n)
    expect(ending.gas).toBeGreaterThan(BigInt(HOST_COSTS.deliver.base + HOST_COSTS.fail.base))
  })

  it('charges host calls, until the gas is used up', async () => {
    const guest = await openActor(actorText('(loop $again (drop (call $now)) (br $again))'))
    const ending = runOnce(guest, {}, new FakeContext(), 1_000_000n)
    expect(ending).toMatchObject({
      status: 'error',
      gas: 1_000_000n,
      error: { code: 'out-of-gas' },
    })
  })

  it('can be called again after memory grew', async () => {
    const body = `
      (drop (memory.grow (i32.const 1)))
      (call $random (i32.const 131072) (i32.const 8))
      (i64.store (i32.const 0) (i64.load (i32.const 131072)))`
    const ending = await tryBody(body)
    if (ending.status === 'error') throw new Error(ending.error.message)
    expect(ending.output.slice(0, 8)).toEqual(new FakeContext().random(8))
  })
})
