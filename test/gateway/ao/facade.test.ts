import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { call, post } from './http-call.ts'
import { Sender } from './sender.ts'

describe('the AO façade', () => {
  test('leaves paths alone that are not AO’s', async () => {
    await using node = await FakeNode.open()
    for (const path of ['/', '/v1/processes', '/ui', '/mux', '/metrics', `/${NODE_KEY}/x`, '/pushes', '/~other@1.0']) {
      const answer = await call(`${node.url}${path}`)
      expect([path, answer.text]).toEqual([path, 'not AO'])
    }
  })

  test('is open to pages of any origin', async () => {
    await using node = await FakeNode.open()
    const asked = await call(`${node.url}/mu`, { method: 'OPTIONS' })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe('*')
    expect(asked.headers.get('access-control-allow-methods')).toContain('DELETE')
    expect((await call(`${node.url}/cu`)).headers.get('access-control-allow-origin')).toBe('*')
    expect((await call(`${node.url}/cu/nothing`)).headers.get('access-control-allow-origin')).toBe('*')
  })

  test('answers bad paths and methods with 4xx and what to do next', async () => {
    await using node = await FakeNode.open()
    const sender = new Sender(node)
    const process = await sender.spawn(await sender.module())
    const cases: [method: string, path: string, status: number][] = [
      ['GET', '/mu/other', 404],
      ['PUT', '/mu', 405],
      ['GET', `/mu/monitor/${process}`, 405],
      ['DELETE', '/su', 405],
      ['GET', '/su/processes', 400],
      ['GET', `/su/processes/${NODE_KEY}`, 404],
      ['GET', '/su/short', 400],
      ['GET', `/su/${process}/latest/x`, 404],
      ['GET', `/su/${process}/other`, 404],
      ['GET', `/su/${process}?limit=0`, 400],
      ['GET', `/su/${process}?limit=many`, 400],
      ['GET', `/su/${process}?from=yesterday`, 400],
      ['GET', `/su/${process}?from-nonce=-7`, 400],
      ['GET', `/su/${NODE_KEY}?process-id=${process}`, 404],
      ['GET', '/cu/other', 404],
      ['GET', '/cu/result', 404],
      ['GET', `/cu/result/${process}`, 400],
      ['GET', `/cu/result/${process}?process-id=undefined`, 400],
      ['GET', `/cu/result/${NODE_KEY}?process-id=${process}`, 404],
      ['GET', `/cu/result/x?process-id=${process}`, 400],
      ['GET', `/cu/results/${NODE_KEY}`, 404],
      ['GET', `/cu/results/${process}?sort=UP`, 400],
      ['GET', `/cu/results/${process}?from=%7B`, 400],
      ['GET', `/cu/results/${process}?from=e30`, 400],
      ['GET', '/cu/dry-run', 405],
      ['GET', `/cu/state/${NODE_KEY}`, 404],
      ['GET', '/graphql', 405],
      ['GET', '/raw/short', 404],
      ['GET', `/raw/${NODE_KEY}`, 404],
      ['GET', `/${NODE_KEY}`, 404],
      ['POST', `/${process}~process@1.0/pushed`, 404],
      ['POST', `/${NODE_KEY}~process@1.0/slot/current`, 404],
      ['POST', `/${process}~process@1.0/compute/results=x`, 400],
      ['POST', `/${process}~process@1.0/compute/results=99`, 404],
      ['POST', `/${process}~process@1.0/as=execution/compute&novalue`, 400],
      ['POST', `/${process}~process@1.0/as=execution/compute&a=%ff`, 400],
    ]
    for (const [method, path, status] of cases) {
      const answer = await call(`${node.url}${path}`, { method })
      expect([method, path, answer.status]).toEqual([method, path, status])
      expect(answer.at('error')).toEqual(expect.any(String))
      expect(answer.at('code')).toEqual(expect.any(String))
    }
  })

  test('takes no body beyond its bound, announced or not', async () => {
    await using node = await FakeNode.open()
    const big = 'x'.repeat(5 * 1024 * 1024)
    const announced = await post(`${node.url}/cu/dry-run?process-id=${NODE_KEY}`, big)
    expect([announced.status, announced.at('code')]).toEqual([413, 'too-large'])
    const status = await new Promise((resolve, reject) => {
      const chunked = request(`${node.url}/graphql`, { method: 'POST' }, response => resolve(response.statusCode))
      chunked.on('error', reject)
      chunked.write(big)
      chunked.end()
    })
    expect(status).toBe(413)
  })

  test('takes no compressed body', async () => {
    await using node = await FakeNode.open()
    const answer = await call(`${node.url}/graphql`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-encoding': 'gzip' },
    })
    expect(answer.status).toBe(415)
  })

  test('shows a bug as a bug, and nothing of its inside', async () => {
    await using node = await FakeNode.open()
    node.messenger.submit = async () => {
      throw new Error('secret path')
    }
    const answer = await post(`${node.url}/mu`, new Uint8Array(3))
    expect([answer.status, answer.at('error')]).toEqual([500, 'A bug'])
    expect(answer.text).not.toContain('secret')
    expect(node.troubles.map(({ code, cause }) => [code, String(cause)])).toEqual([['internal', 'Error: secret path']])
  })

  test('gives HEAD the headers of GET without a body', async () => {
    await using node = await FakeNode.open()
    const [get, head] = await Promise.all([
      call(`${node.url}/su/timestamp`),
      call(`${node.url}/su/timestamp`, { method: 'HEAD' }),
    ])
    expect(head.status).toBe(200)
    expect(head.text).toBe('')
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
  })
})
