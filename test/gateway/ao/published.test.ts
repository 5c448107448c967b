import { describe, expect, test } from 'vitest'
import { Fields, fieldAt } from '../../../gateway/ao/hyperbeam/fields.ts'
import { PublishedStates } from '../../../gateway/ao/hyperbeam/published-states.ts'
import {
  AO_NAMES_ANY_CASE_MAX,
  AO_PUBLISHED_DEPTH_MAX,
  AO_PUBLISHED_HELD_MAX_BYTES,
  AO_PUBLISHED_MAX_BYTES,
  AO_SLOTS_LOOKED_AT_MAX,
  asProcessId,
  type Envelope,
  toUtf8,
} from '../../../protocol/index.ts'
import { aoOutput, FakeNode } from './fake-node.ts'
import { call } from './http-call.ts'
import { Sender } from './sender.ts'

type Json = Record<string, unknown>

/** Tags as aos writes them into its outbox: values are what the program gave. */
const patch = (fields: Json, tags: Json = { device: 'patch@1.0' }): Json => ({
  Anchor: '0'.repeat(32),
  Tags: Object.entries({ 'Data-Protocol': 'ao', Type: 'Message', Reference: '1', ...tags, ...fields }).map(
    ([name, value]) => ({ name, value }),
  ),
})

/** A process whose slots publish, one after the other. */
async function publishing(...slots: readonly (readonly Json[])[]) {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const process = await sender.spawn(await sender.module())
  node.program = slot => {
    const Messages = slots[slot]
    return Messages && { output: aoOutput({ Messages, Output: { data: `slot ${slot}` } }) }
  }
  for (const _ of slots.slice(1)) await sender.message(process)
  const at = `${node.url}/${process}~process@1.0`
  return { node, sender, process, at, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() }
}

const emptyMaps = (count: number): Json => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, {}]))

describe('what a process publishes', () => {
  test('is read by its names, in any case, as text or as JSON', async () => {
    const published = { cache: { Name: 'Points', list: ['a', { b: 2 }], 'is open': true }, count: 42 }
    await using world = await publishing([], [patch(published)])
    for (const name of ['now', 'compute', 'compute&slot=1']) {
      const read = async (path: string) => (await call(`${world.at}/${name}${path}`)).text
      expect(await read('/count')).toBe('42')
      expect(await read('/cache/name')).toBe('Points')
      expect(await read('/CACHE/Name/')).toBe('Points')
      expect(await read('/cache/is%20open')).toBe('true')
      expect(await read('/cache/list/1')).toBe('a')
      expect(await read('/cache/list/2/b')).toBe('2')
      expect(JSON.parse(await read('/cache'))).toEqual(published.cache)
      expect(JSON.parse(await read('/cache/list'))).toEqual(published.cache.list)
      for (const json of ['/serialize~json@1.0', '/~json@1.0/serialize']) {
        expect(JSON.parse(await read(`/count${json}`))).toEqual({ body: 42 })
        expect(JSON.parse(await read(`/cache${json}`))).toEqual(published.cache)
      }
    }
    const asked = await call(`${world.at}/compute/count`, { headers: { 'require-codec': 'application/json' } })
    expect(asked.json).toEqual({ body: 42 })
    expect((await call(`${world.at}/now/count?require-codec=application/json`)).json).toEqual({ body: 42 })
    expect((await call(`${world.at}/now/cache`, { method: 'HEAD' })).status).toBe(200)
    for (const path of ['nothing', 'cache/nothing', 'cache/list/0', 'cache/list/3', 'count/x', 'device/x', 'reference'])
      expect([path, (await call(`${world.at}/now/${path}`)).status]).toEqual([path, 404])
    expect((await call(`${world.at}/now/%zz`)).status).toBe(400)
    expect((await call(`${world.at}/now/toString`)).status).toBe(404)
  })

  test('is merged map by map, message by message, slot by slot', async () => {
    await using world = await publishing(
      [patch({ balances: { ann: '5' }, kept: 'first' })],
      [
        patch({ balances: { bob: '1' } }),
        patch({ balances: { ann: '4' } }),
        { Tags: [{ name: 'balances', value: 'no' }] },
      ],
      [patch({ balances: { bob: { locked: '2' } }, list: [1] }, { method: 'PATCH' })],
      [{ device: 'patch@1.0', Data: 'x', list: [2] }],
    )
    const state = await call(`${world.at}/now`)
    expect(state.json).toMatchObject({
      balances: { ann: '4', bob: { locked: '2' } },
      kept: 'first',
      list: [2],
      Data: 'x',
      initialized: 'true',
      'at-slot': 3,
      results: { raw: { Output: { data: 'slot 3' } }, data: 'slot 3' },
    })
    // An older slot is as it was; later ones then go on from where they were.
    expect((await call(`${world.at}/compute&slot=0/balances`)).json).toEqual({ ann: '5' })
    expect((await call(`${world.at}/compute/balances?slot=1`)).json).toEqual({ ann: '4', bob: '1' })
    expect((await call(`${world.at}/now/balances/ann`)).text).toBe('4')
  })

  test('goes on with what comes later; `compute` tells what is evaluated, `now` waits', async () => {
    await using world = await publishing([], [patch({ count: 1 })], [patch({ count: 2 })])
    const read = async (path: string) => (await call(`${world.at}/${path}`)).text
    world.node.evaluatedTo = 2
    expect([await read('compute/count'), await read('compute/at-slot')]).toEqual(['1', '1'])
    expect((await call(`${world.at}/now/count`)).status).toBe(504)
    world.node.evaluatedTo = 3
    expect([await read('compute/count'), await read('now/at-slot')]).toEqual(['2', '2'])
    expect(await Promise.all(Array.from({ length: 8 }, () => read('now/count')))).toEqual(Array(8).fill('2'))
  })

  test('is not read for a result: of a slot long past that is told all the same', async () => {
    await using world = await publishing([patch({ count: 1 })])
    const ticks: Envelope[] = Array.from({ length: 1_000 }, () => ({ kind: 'tick', timer: toUtf8('t'), dueMs: 1 }))
    for (let n = 0; n <= AO_SLOTS_LOOKED_AT_MAX; n += ticks.length) await world.node.write(world.process, ...ticks)
    const past = `${world.at}/compute&slot=${AO_SLOTS_LOOKED_AT_MAX + 5}`
    expect((await call(`${past}/results/serialize~json@1.0`)).at('raw', 'Output', 'data')).toContain('slot 20005')
    expect((await call(`${past}/at-slot`)).text).toBe('20005')
    expect((await call(`${past}/count`)).status).toBe(400)
    expect((await call(`${world.at}/now/count`)).text).toBe('1')
  })

  test('holds names that mean something to JavaScript as names', async () => {
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}',
    ) as Json
    await using world = await publishing([patch({ map: { a: 1 } })], [patch({ map: hostile }), patch(hostile)])
    expect((await call(`${world.at}/now/map/__proto__/polluted`)).text).toBe('yes')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect((await call(`${world.at}/now/map/a`)).text).toBe('1')
  })

  test('counts only where the slot went well, and is bounded', async () => {
    const large = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key-${i}`, 'x'.repeat(1 << 20)]))
    await using world = await publishing([patch({ small: 'a' })], [patch({ bad: 'b' })], [patch(large)])
    const { program } = world.node
    world.node.program = (slot, envelope) => ({
      ...program(slot, envelope),
      ...(slot === 1 ? { status: 'error' as const } : {}),
    })
    expect((await call(`${world.at}/compute&slot=1/small`)).text).toBe('a')
    expect((await call(`${world.at}/compute&slot=1/bad`)).status).toBe(404)
    for (let i = 0; i < 3; i++) {
      const tooLarge = await call(`${world.at}/now/small`)
      expect([tooLarge.status, tooLarge.at('code')]).toEqual([413, 'too-large'])
    }
  })

  test('is bounded by what it takes in memory, however short it is as JSON', async () => {
    const maps = emptyMaps(AO_PUBLISHED_MAX_BYTES / 256)
    const deep: unknown = JSON.parse('['.repeat(AO_PUBLISHED_DEPTH_MAX * 2) + ']'.repeat(AO_PUBLISHED_DEPTH_MAX * 2))
    for (const large of [{ maps }, { deep }]) {
      await using world = await publishing([patch(large)])
      for (const path of ['now/small', 'compute&slot=0/small'])
        expect([path, (await call(`${world.at}/${path}`)).status]).toEqual([path, 413])
    }
  })

  test('is told in whole or not at all: what is too large is so for those who waited, and not for slots before it', async () => {
    const large = { maps: emptyMaps(AO_PUBLISHED_MAX_BYTES / 256) }
    await using world = await publishing([patch({ small: 'a' })], [], [patch(large)], [patch({ small: 'b' })])
    const waited = await Promise.all(Array.from({ length: 3 }, () => call(`${world.at}/now/small`)))
    expect(waited.map(({ status }) => status)).toEqual([413, 413, 413])
    for (const slot of [0, 1, 0]) expect((await call(`${world.at}/compute&slot=${slot}/small`)).text).toBe('a')
    for (const slot of [2, 3]) expect((await call(`${world.at}/compute&slot=${slot}/small`)).status).toBe(413)
  })

  test.each([1, 2])('goes with the result of its slot, though others read on: from call %i on', async from => {
    const slots = Array.from({ length: 6 }, (_, count) => [patch({ balances: { count } })])
    await using world = await publishing(...slots)
    const { node, at } = world
    node.evaluatedTo = 2
    await call(`${at}/compute/balances`)
    const { result } = node.computer
    const tell = async (path: string) => {
      let calls = 0
      node.computer.result = async (...asked) => {
        const told = await result(...asked)
        if (++calls < from || node.evaluatedTo >= slots.length) return told
        const outer = node.computer.result
        node.computer.result = result
        node.evaluatedTo++
        await call(`${at}/compute/balances`)
        node.computer.result = outer
        return told
      }
      const { json } = await call(`${at}/${path}`)
      node.computer.result = result
      return json as { 'at-slot': number; balances: unknown; results: { data: string } }
    }
    for (const path of ['compute&slot=1', 'compute']) {
      const told = await tell(path)
      const slot = path === 'compute&slot=1' ? 1 : told['at-slot']
      expect(told).toMatchObject({ 'at-slot': slot, balances: { count: slot }, results: { data: `slot ${slot}` } })
    }
  })

  test('of long ago is read for one after the other, and once for all who ask for the same', async () => {
    const slots = Array.from({ length: 4 }, (_, count) => [patch({ count })])
    await using world = await publishing(...slots)
    const { computer } = world.node
    const { results } = computer
    const [read, running]: [number[], Set<number>] = [[], new Set()]
    let most = 0
    computer.results = async function* (process, begin, end, options) {
      read.push(end)
      running.add(read.length)
      most = Math.max(most, running.size)
      const own = read.length
      for await (const result of results(process, begin, end, options)) {
        await new Promise(setImmediate)
        yield result
      }
      running.delete(own)
    }
    const asked = [1, 2, 1, 2, 1, 2, 0]
    const told = await Promise.all(asked.map(slot => call(`${world.at}/compute&slot=${slot}/count`)))
    expect(told.map(({ text }) => Number(text))).toEqual(asked)
    expect([read.toSorted(), most]).toEqual([[1, 2, 3], 1])
  })

  test('of another epoch is read anew', async () => {
    await using world = await publishing([patch({ count: 1 })])
    const { node } = world
    const published = new PublishedStates(node.computer)
    const process = await node.description(world.process)
    const count = (epoch: number) =>
      published.latest({ ...process, epoch }, 1, AbortSignal.timeout(60_000), ({ fields }) => fields.get('count'))
    expect(await count(0)).toBe(1)
    node.program = () => ({ output: aoOutput({ Messages: [patch({ count: 2 })] }) })
    expect([await count(0), await count(1)]).toEqual([1, 2])
  })

  test('is held as far as there is room: those who read at once and find none are told so', async () => {
    await using world = await publishing([])
    const { computer } = world.node
    const gate = Promise.withResolvers<void>()
    const large = aoOutput({ Messages: [patch({ maps: emptyMaps(80_000) })] })
    computer.results = async function* (_process, begin, end) {
      const usual = await computer.result(world.process, 0)
      for (let slot = begin; slot < end; slot++) {
        yield { ...usual, slot, output: slot === 0 ? large : usual.output }
        await gate.promise
      }
    }
    const published = new PublishedStates(computer)
    const process = await world.node.description(world.process)
    const read = (n: number) => {
      const other = { ...process, id: asProcessId(String(n).repeat(43)) }
      return published.latest(other, 2, AbortSignal.timeout(60_000), ({ end }) => end).catch(error => error.code)
    }
    const room = AO_PUBLISHED_HELD_MAX_BYTES / AO_PUBLISHED_MAX_BYTES
    const first = Array.from({ length: room }, (_, n) => read(n))
    expect(await read(room)).toBe('busy')
    gate.resolve()
    expect(await Promise.all(first)).toEqual(first.map(() => 2))
    expect(await read(room)).toBe(2)
  })

  test('is found by its name in any case where the names are few, and as it is written where they are many', () => {
    const few = new Fields(Array.from({ length: AO_NAMES_ANY_CASE_MAX }, (_, i) => [`Name-${i}`, i]))
    const many = new Fields([...few, ['one more', true]])
    expect([fieldAt(few, ['Name-7']), fieldAt(few, ['name-7'])]).toEqual([7, 7])
    expect([fieldAt(many, ['Name-7']), fieldAt(many, ['name-7'])]).toEqual([7, undefined])
  })

  test('is nothing where the program does not speak as AO does, but its results are there', async () => {
    await using node = await FakeNode.open()
    const sender = new Sender(node)
    const process = await sender.spawn(await sender.module('actor-1'))
    expect((await call(`${node.url}/${process}/now`)).json).toMatchObject({ 'at-slot': 0, results: { data: 'slot 0' } })
  })
})
