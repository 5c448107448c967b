import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Gateway, Metrics } from '../../gateway/index.ts'
import { Failure } from '../../protocol/index.ts'
import { fakeOperations, openFakeGateway, RecordingLogger } from '../fakes/fake-gateway.ts'
import { FakeUnits } from '../fakes/fake-units.ts'
import { realClock } from '../fakes/real-clock.ts'

const id = 'A'.repeat(43)

describe('a gateway that closes', () => {
  it('ends waits with "shutting down", lets answers out, and takes nothing new', async () => {
    const { gateway } = await openFakeGateway({
      operations: {
        ...fakeOperations(new FakeUnits()),
        result: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new Failure('aborted', {}, { cause: signal.reason })))
          }),
      },
    })
    const { url, port } = gateway
    const waiting = fetch(`${url}/v1/processes/${id}/results/0?wait_ms=60000`)
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain('atoll_http_requests_running 2')
    const idle = connect(port, '127.0.0.1')
    const idleClosed = new Promise(resolve => idle.once('close', resolve))
    await new Promise(resolve => idle.once('connect', resolve))
    const closing = gateway[Symbol.asyncDispose]()
    const answer = await waiting
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, 'shutting-down'])
    await Promise.all([closing, idleClosed, gateway[Symbol.asyncDispose]()])
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })

  it('ends streams with a problem that says why', async () => {
    const { gateway, units } = await openFakeGateway()
    const process = await spawnOn(gateway, units)
    const response = await fetch(`${gateway.url}/v1/processes/${process}/results/stream?from=0`)
    const reading = response.text()
    await expect.poll(async () => (await fetch(`${gateway.url}/metrics`)).text()).toContain('atoll_http_streams_open 1')
    await gateway[Symbol.asyncDispose]()
    expect(await reading).toMatch(/event: problem\ndata: \{.*"code":"shutting-down"/)
  })

  it('gives its port back, and says so when a port is taken', async () => {
    const { gateway } = await openFakeGateway()
    const { port } = gateway
    const parts = {
      port,
      operations: fakeOperations(new FakeUnits()),
      clock: realClock,
      logger: new RecordingLogger(),
      metrics: new Metrics(),
      version: '0',
    }
    await expect(Gateway.open(parts)).rejects.toMatchObject({
      code: 'port-in-use',
      details: { port },
    })
    await gateway[Symbol.asyncDispose]()
    await using again = await Gateway.open(parts)
    expect(again.url).toBe(`http://127.0.0.1:${port}`)
  })
})

describe('other faces', () => {
  it('are asked for paths that the native API does not have, with the headers of every answer', async () => {
    const asked: string[] = []
    const { gateway } = await openFakeGateway({
      mounts: [
        async (_request, response, urlOf) => {
          const url = urlOf()
          asked.push(url.pathname + url.search)
          if (url.pathname !== '/cu/result') return false
          response.writeHead(200, { 'content-type': 'text/plain' })
          response.end('face')
          return true
        },
      ],
    })
    const answer = await fetch(`${gateway.url}/cu/result?process-id=x&process-id=y`).catch(() => undefined)
    expect(answer?.status).toBe(400)
    const face = await fetch(`${gateway.url}/cu/result?process-id=x`)
    expect([await face.text(), face.headers.get('x-content-type-options')]).toEqual(['face', 'nosniff'])
    expect((await fetch(`${gateway.url}/nobody`)).status).toBe(404)
    expect((await fetch(`${gateway.url}/v1/nobody`)).status).toBe(404)
    expect(asked).toEqual(['/cu/result?process-id=x', '/nobody'])
    await gateway[Symbol.asyncDispose]()
  })

  it('that fail become a problem like any other', async () => {
    const { gateway } = await openFakeGateway({
      mounts: [() => Promise.reject(new Error('/secret'))],
    })
    const answer = await fetch(`${gateway.url}/cu`)
    expect([answer.status, (await answer.text()).includes('secret')]).toEqual([500, false])
    await gateway[Symbol.asyncDispose]()
  })
})

describe('HEAD', () => {
  it('gets the headers of GET and no body', async () => {
    const { gateway } = await openFakeGateway()
    const [head, get] = [
      await fetch(`${gateway.url}/v1/failures`, { method: 'HEAD' }),
      await fetch(`${gateway.url}/v1/failures`),
    ]
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    expect(await head.text()).toBe('')
    expect((await fetch(`${gateway.url}/v1/processes/${id}/results/stream`, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${gateway.url}/v1/processes/${id}`, { method: 'HEAD' })).status).toBe(404)
    await gateway[Symbol.asyncDispose]()
  })
})

describe('metrics', () => {
  it('are written as Prometheus reads them', () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'Counts\nthings', { unit: 'x"y\\' }).add(2)
    metrics.counter('a_total', 'Counts things', { unit: 'x"y\\' }).add()
    metrics.gaugeOf('b_bytes', 'Reads', () => 7)
    const histogram = metrics.histogram('c_seconds', 'Times', [0.1, 1], { op: 'o' })
    for (const value of [0.05, 0.1, 0.5, 9]) histogram.observe(value)
    expect(metrics.text().split('\n')).toEqual([
      '# HELP a_total Counts things',
      '# TYPE a_total counter',
      'a_total{unit="x\\"y\\\\"} 3',
      '# HELP b_bytes Reads',
      '# TYPE b_bytes gauge',
      'b_bytes 7',
      '# HELP c_seconds Times',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{op="o",le="0.1"} 2',
      'c_seconds_bucket{op="o",le="1"} 3',
      'c_seconds_bucket{op="o",le="+Inf"} 4',
      'c_seconds_sum{op="o"} 9.65',
      'c_seconds_count{op="o"} 4',
      '',
    ])
  })

  it('refuse a name twice as two kinds, and labels without end', () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'x')
    expect(() => metrics.gauge('a_total', 'x')).toThrow('counter already')
    expect(() => metrics.counter('Bad-Name', 'x')).toThrow('snake_case')
    expect(() => {
      for (let i = 0; i <= 1000; i++) metrics.counter('b_total', 'x', { id: String(i) })
    }).toThrow('more than 1000 series')
  })
})

async function spawnOn(gateway: Gateway, units: FakeUnits): Promise<string> {
  const { signDataItemSync, ITEM_MEDIA_TYPE } = await import('../../protocol/index.ts')
  const tags = [
    ['Type', 'Process'],
    ['Module', id],
    ['Scheduler', units.key],
  ].map(([name = '', value = '']) => ({ name, value }))
  const { bytes } = signDataItemSync({ data: '', tags }, new Uint8Array(32).fill(2))
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { 'content-type': ITEM_MEDIA_TYPE },
  })
  return ((await response.json()) as { id: string }).id
}
