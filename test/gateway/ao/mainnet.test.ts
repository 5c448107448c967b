import { describe, expect, test } from 'vitest'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { call, post } from './http-call.ts'
import { Sender } from './sender.ts'

async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const module = await sender.module()
  return { node, sender, module, process: await sender.spawn(module) }
}

describe('paths of mainnet mode', () => {
  test('name the scheduler', async () => {
    await using node = await FakeNode.open()
    expect((await call(`${node.url}/~meta@1.0/info/address`)).text).toBe(NODE_KEY)
    for (const path of ['info', 'info/serialize~json@1.0', 'info/~json@1.0/serialize'])
      expect((await call(`${node.url}/~meta@1.0/${path}`)).json).toEqual({ address: NODE_KEY })
    expect((await call(`${node.url}/~meta@1.0/info/address/serialize~json@1.0`)).json).toEqual({ body: NODE_KEY })
    for (const path of ['/~meta@1.0/other', '/~meta@1.0/info/nothing', '/~meta@1.0/info/address/x'])
      expect([path, (await call(node.url + path)).status]).toEqual([path, 404])
  })

  test('spawn with the id in a header', async () => {
    const { node, sender, module } = await nodeWithProcess()
    await using _ = node
    for (const scheduler of ['Scheduler', 'scheduler']) {
      const item = await sender.item({ pairs: ['Type', 'Process', 'Module', module, scheduler, NODE_KEY] })
      const answer = await post(`${node.url}/push`, item.bytes)
      expect([answer.status, answer.headers.get('process')]).toEqual([200, item.id])
    }
    expect((await post(`${node.url}/push`, 'x')).status).toBe(400)
    expect((await call(`${node.url}/push`)).status).toBe(405)
  })

  test('push a message and tell slot, id and result', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    const answer = await post(`${node.url}/${process}~process@1.0/push?accept-bundle=true`, item.bytes)
    expect(answer.json).toMatchObject({
      slot: 1,
      id: item.id,
      process,
      raw: { Output: { data: 'slot 1' } },
      results: { raw: { Output: { data: 'slot 1' } } },
    })
    node.evaluatedTo = 2
    const slow = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    const early = await post(`${node.url}/${process}~process@1.0/push`, slow.bytes)
    expect(early.json).toEqual({ slot: 2, id: slow.id, process })
    const other = await sender.item({ target: NODE_KEY, pairs: ['Type', 'Message'] })
    expect((await post(`${node.url}/${process}~process@1.0/push`, other.bytes)).at('code')).toBe('wrong-target')
  })

  test('give results by slot and by id, and the current slot', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(process)
    for (const path of [`/${process}~process@1.0`, `/${process}`]) {
      expect((await post(`${node.url}${path}/slot/current`, '')).text).toBe('1')
      for (const name of ['1', id]) {
        const answer = await post(`${node.url}${path}/compute/results=${name}`, '')
        expect(answer.at('raw', 'Output', 'data')).toBe('slot 1')
        const older = await post(`${node.url}${path}/compute=${name}`, '')
        expect(older.at('results', 'raw', 'Output', 'data')).toBe('slot 1')
        for (const verb of ['compute=', 'compute/results=', 'compute&slot=']) {
          const results = verb === 'compute&slot=' ? '/results' : ''
          const coded = await call(
            `${node.url}${path}/${verb}${name}${results}?accept-bundle=true&require-codec=application/json`,
          )
          expect([verb, coded.at('raw', 'Output', 'data')]).toEqual([verb, 'slot 1'])
        }
        expect((await call(`${node.url}${path}/compute=${name}/at-slot`)).text).toBe('1')
      }
    }
  })

  test('give results as the aos command asks for them, in a text of JSON', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const named = `${node.url}/${process}~process@1.0`
    const item = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    const pushed = await post(`${named}/push/serialize~json@1.0`, item.bytes)
    expect([pushed.at('slot'), pushed.at('id')]).toEqual([1, item.id])
    const read = await call(`${named}/compute&slot=1/results/serialize~json@1.0`)
    for (const answer of [pushed, read, await call(`${named}/compute&slot=1/results`)]) {
      expect(JSON.parse(String(answer.at('json', 'body')))).toMatchObject({ Output: { data: 'slot 1' }, Messages: [] })
      expect(answer.at('raw', 'Output', 'data')).toBe('slot 1')
    }
    expect((await post(`${named}/slot/current/body/serialize~json@1.0`, '')).json).toEqual({ body: 1 })
    for (const path of ['slot/current/body', 'compute&slot=1/at-slot']) {
      expect([path, (await call(`${named}/${path}`)).text]).toEqual([path, '1'])
    }
    for (const path of ['slot/last', 'compute&slot=1/state', 'compute&slot=x/results', 'push/other']) {
      expect([path, (await call(`${named}/${path}`)).status]).toEqual([path, path.includes('=x') ? 400 : 404])
    }
  })

  test('tell the last slot, under every name that clients have for it', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    await sender.message(process)
    for (const path of [`/${process}/slot`, `/${process}~process@1.0/slot`, `/~scheduler@1.0/slot?target=${process}`]) {
      const answer = await call(node.url + path)
      expect([path, answer.at('process'), answer.at('current')]).toEqual([path, process, 1])
      expect(answer.at('block-height')).toBeGreaterThan(0)
    }
    expect((await call(`${node.url}/~scheduler@1.0/slot/current?target=${process}`)).text).toBe('1')
    expect((await call(`${node.url}/~scheduler@1.0/slot?target=${NODE_KEY}`)).status).toBe(404)
  })

  test('list the schedule by slots, both ends inclusive', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const ids = [await sender.message(process), await sender.message(process), await sender.message(process)]
    const paths = [
      `/${process}/schedule?`,
      `/${process}~process@1.0/schedule?`,
      `/~scheduler@1.0/schedule?target=${process}&`,
    ]
    for (const path of paths) {
      const answer = await call(`${node.url}${path}from=1&to=3&limit=2&accept=application/aos-2`)
      expect(answer.at('edges', 0, 'node', 'message', 'id')).toBe(ids[0])
      expect([answer.at('edges', 1, 'cursor'), answer.at('page_info', 'has_next_page')]).toEqual([2, true])
      const rest = await call(`${node.url}${path}from=3`)
      expect(rest.at('edges', 0, 'node', 'message', 'id')).toBe(ids[2])
      expect([rest.at('edges', 1), rest.at('page_info', 'has_next_page')]).toEqual([undefined, false])
    }
    expect((await call(`${node.url}/${process}/schedule?from=x`)).status).toBe(400)
    expect((await call(`${node.url}/~scheduler@1.0/schedule`)).status).toBe(405)
  })

  test('take items at every name of the schedule', async () => {
    const { node, sender, module } = await nodeWithProcess()
    await using _ = node
    for (const path of ['/schedule', '/~process@1.0/schedule', '/~scheduler@1.0/schedule']) {
      const item = await sender.item({ pairs: ['Type', 'Process', 'Module', module, 'Scheduler', NODE_KEY] })
      const answer = await post(node.url + path, item.bytes)
      expect([path, answer.status, answer.headers.get('process')]).toEqual([path, 200, item.id])
      expect((await post(`${node.url}${path}/x`, item.bytes)).status).toBe(404)
    }
  })

  test('say 422 of HTTP signatures, whereupon clients sign items; reads need no signature', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const ask = (path: string) =>
      call(`${node.url}${path}`, {
        method: 'POST',
        body: 'x',
        headers: { 'signature-input': 'sig=()', signature: 'sig=::' },
      })
    const named = `/${process}~process@1.0`
    for (const path of [
      '/push',
      '/schedule',
      `${named}/push`,
      `/${process}/schedule`,
      `${named}/as=execution/compute`,
    ]) {
      const answer = await ask(path)
      expect([path, answer.status, answer.at('code')]).toEqual([path, 422, 'unsupported-key'])
    }
    expect((await ask(`${named}/slot/current`)).text).toBe('0')
  })

  test('run a dry-run as the signer, with tags from the path', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, data: 'q', pairs: [] })
    const path = `/${process}~process@1.0/as=execution/compute&Action=In%20fo&X=a=b/c?d`
    const answer = await post(`${node.url}${path}`, item.bytes)
    expect(answer.at('raw', 'Output', 'data')).toBe('q')
    const address = sender.signer.address
    expect(node.queries.at(-1)).toMatchObject({ owner: address, from: address })
    expect(node.queries.at(-1)?.tags).toEqual([
      { name: 'Action', value: 'In fo' },
      { name: 'X', value: 'a=b/c?d' },
    ])
    expect((await post(`${node.url}/${process}~process@1.0/as=execution/computeX`, '')).status).toBe(404)
    expect((await call(`${node.url}/${process}~process@1.0/as=execution/compute&Action=Info`)).status).toBe(200)
  })
})
