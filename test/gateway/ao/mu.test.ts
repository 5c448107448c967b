import { describe, expect, test } from 'vitest'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { post, call } from './http-call.ts'
import { Sender } from './sender.ts'

async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const module = await sender.module()
  return { node, sender, module, process: await sender.spawn(module) }
}

describe('the messenger unit on AO’s wire', () => {
  test('takes an item with 202 and its id, and says the same when it comes again', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    for (let i = 0; i < 2; i++) {
      const answer = await post(`${node.url}/mu`, item.bytes)
      expect(answer.status).toBe(202)
      expect(answer.json).toEqual({ message: 'Processing DataItem', id: item.id })
    }
    expect((await call(`${node.url}/su/${process}/latest`)).at('message', 'id')).toBe(item.id)
  })

  test('greets on GET', async () => {
    await using node = await FakeNode.open()
    const answer = await call(`${node.url}/mu/`)
    expect([answer.status, answer.text]).toEqual([200, 'ao messenger unit'])
  })

  test('refuses what was tampered with, has no form, no type or no process', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, data: 'pay 1', pairs: ['Type', 'Message'] })
    const tampered = item.bytes.slice()
    tampered[tampered.length - 1] = 0x39
    const wrongType = await sender.item({ target: process, pairs: ['Type', 'Assignment'] })
    const nowhere = await sender.item({ target: NODE_KEY, pairs: ['Type', 'Message'] })
    const cases: [Uint8Array, number, string][] = [
      [tampered, 400, 'bad-signature'],
      [new Uint8Array([1, 2, 3]), 400, 'malformed-item'],
      [new Uint8Array(0), 400, 'malformed-item'],
      [wrongType.bytes, 400, 'wrong-type'],
      [nowhere.bytes, 404, 'unknown-process'],
    ]
    for (const [bytes, status, code] of cases) {
      const answer = await post(`${node.url}/mu`, bytes)
      expect([answer.status, answer.at('code')]).toEqual([status, code])
      expect(answer.at('error')).toEqual(expect.any(String))
      expect(answer.at('next')).toEqual(expect.any(String))
    }
    expect((await call(`${node.url}/su/${process}/latest`)).at('message', 'id')).toBe(process)
  })

  test('assigns a message to another process', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const other = await sender.spawn(module)
    const message = await sender.message(process, 'hello')
    const answer = await post(`${node.url}/mu?process-id=${other}&assign=${message}&exclude=Data,Tags`, '')
    expect([answer.status, answer.at('message')]).toEqual([202, 'Processing Assignment'])
    const seen = await call(`${node.url}/su/${String(answer.at('id'))}?process-id=${other}`)
    expect(seen.at('message')).toBeNull()
    expect(seen.at('assignment', 'tags')).toEqual(expect.arrayContaining([{ name: 'Message', value: message }]))
  })

  test('refuses half an assignment and one of a base layer', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const half = await post(`${node.url}/mu?process-id=${process}`, '')
    expect(half.status).toBe(400)
    expect(half.at('error')).toContain('You must set both process-id and assign')
    expect((await post(`${node.url}/mu?assign=${process}`, '')).status).toBe(400)
    expect((await post(`${node.url}/mu?process-id=${process}&assign=${process}&base-layer`, '')).status).toBe(400)
    expect((await post(`${node.url}/mu?process-id=${process}&assign=${NODE_KEY}`, '')).status).toBe(404)
    expect((await post(`${node.url}/mu?process-id=${process}&assign=short`, '')).status).toBe(400)
  })

  test('monitors only for an item that is signed for that process', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, pairs: [] })
    const elsewhere = await sender.item({ target: NODE_KEY, pairs: [] })
    const broken = item.bytes.slice()
    broken[5] = (broken[5] ?? 0) ^ 1
    const url = `${node.url}/mu/monitor/${process}`
    expect((await post(url, elsewhere.bytes)).at('code')).toBe('wrong-target')
    expect((await post(url, broken)).at('code')).toBe('bad-signature')
    expect((await post(url, '')).at('code')).toBe('malformed-item')
    expect((await post(`${node.url}/mu/monitor/${NODE_KEY}`, elsewhere.bytes)).at('code')).toBe('unknown-process')
    expect(node.monitored).toEqual(new Set())
    const on = await post(url, item.bytes)
    expect([on.status, on.text]).toEqual([200, 'Monitoring process'])
    expect(node.monitored).toEqual(new Set([process]))
    expect((await post(url, broken, 'DELETE')).status).toBe(400)
    expect(node.monitored.size).toBe(1)
    expect((await post(url, item.bytes, 'DELETE')).text).toBe('Process deleted')
    expect(node.monitored.size).toBe(0)
  })
})
