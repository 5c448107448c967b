import { describe, expect, test } from 'vitest'
import { AO_SLOTS_LOOKED_AT_MAX, type Envelope, toUtf8 } from '../../../protocol/index.ts'
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
    const large = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`key-${i}`, 'x'.repeat(1 << 20)]))
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

  test('is nothing where the program does not speak as AO does, but its results are there', async () => {
    await using node = await FakeNode.open()
    const sender = new Sender(node)
    const process = await sender.spawn(await sender.module('actor-1'))
    expect((await call(`${node.url}/${process}/now`)).json).toMatchObject({ 'at-slot': 0, results: { data: 'slot 0' } })
  })
})
