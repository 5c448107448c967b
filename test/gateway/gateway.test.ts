import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BUNDLE_MEDIA_TYPE,
  createDataItem,
  decodeFeedPage,
  ed25519Signer,
  encodeBundle,
  ITEM_MEDIA_TYPE,
  type Signer,
  toBase64Url,
} from '../../protocol/index.ts'
import { ADMIN_TOKEN, openFakeGateway } from '../fakes/fake-gateway.ts'

/** The fields of answers that these tests look into. */
interface Answer {
  readonly code: string
  readonly next: never
  readonly openapi: string
  readonly feedKey: string
  readonly scheduled: number
  readonly evaluated: number
  readonly modules: readonly object[]
  readonly processes: readonly object[]
  readonly failures: readonly { readonly code: string }[]
  readonly results: readonly { readonly slot: number }[]
  readonly assignments: readonly { readonly slot: number }[]
  readonly certificates: readonly { readonly signatures: readonly object[] }[]
}

type Open = Awaited<ReturnType<typeof openFakeGateway>>

let open: Open
let signer: Signer
let process: string

const item = async (target: string | undefined, data: string, tags: readonly [string, string][]) =>
  createDataItem(
    {
      target,
      data,
      tags: tags.map(([name, value]) => ({ name, value })),
      anchor: crypto.getRandomValues(new Uint8Array(32)),
    },
    signer,
  )

const post = (path: string, body: Uint8Array | string, type = ITEM_MEDIA_TYPE) =>
  fetch(open.gateway.url + path, {
    method: 'POST',
    body: new Uint8Array(typeof body === 'string' ? Buffer.from(body) : body),
    headers: { 'content-type': type },
  })

const get = async (path: string) => {
  const response = await fetch(open.gateway.url + path)
  return {
    status: response.status,
    headers: response.headers,
    json: (await response.json()) as Answer,
  }
}

const spawn = async () => {
  const spawned = await item(undefined, '', [
    ['Data-Protocol', 'ao'],
    ['Type', 'Process'],
    ['Module', 'A'.repeat(43)],
    ['Scheduler', open.units.key],
  ])
  const response = await post('/v1/messages', spawned.bytes)
  expect(await response.json()).toEqual({
    id: spawned.id,
    process: spawned.id,
    slot: 0,
    timestampMs: 1000,
  })
  return spawned.id
}

beforeAll(async () => {
  open = await openFakeGateway()
  signer = ed25519Signer(new Uint8Array(32).fill(3))
  process = await spawn()
})

afterAll(() => open.gateway[Symbol.asyncDispose]())

describe('the native API', () => {
  it('gives a receipt for a message, and the same one for the same bytes', async () => {
    const message = await item(process, 'hello', [
      ['Type', 'Message'],
      ['Action', 'Hi'],
    ])
    const first = (await (await post('/v1/messages', message.bytes)).json()) as { slot: number }
    const second = await (await post('/v1/messages', message.bytes)).json()
    expect(second).toEqual(first)
    const { json } = await get(`/v1/processes/${process}/results/${message.id}`)
    expect(json).toMatchObject({
      slot: first.slot,
      status: 'ok',
      gas: '12345678901234567890',
      output: toBase64Url(Buffer.from('hello')),
    })
    expect((await get(`/v1/messages/${message.id}`)).json).toEqual({
      id: message.id,
      places: [{ process, slot: first.slot }],
    })
    expect((await get(`/v1/processes/${process}/slots/${first.slot}`)).json).toMatchObject({
      id: message.id,
      envelope: { kind: 'item', target: process },
    })
  })

  it('answers each item of a bundle in its place', async () => {
    const good = await item(process, 'one', [['Type', 'Message']])
    const forged = await item(process, 'two', [['Type', 'Message']])
    const changed = forged.bytes.slice()
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1
    const response = await post(
      '/v1/bundles',
      encodeBundle([good, { id: forged.id, bytes: changed }]),
      BUNDLE_MEDIA_TYPE,
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject([{ id: good.id }, { problem: { code: 'bad-signature', status: 400 } }])
  })

  it('adds modules, shows them, and gives their items back byte for byte', async () => {
    const module = await item(undefined, 'wasm', [
      ['Type', 'Module'],
      ['Module-Format', 'actor'],
    ])
    expect(await (await post('/v1/modules', module.bytes)).json()).toEqual({ module: module.id })
    expect((await get(`/v1/modules/${module.id}`)).json).toMatchObject({
      id: module.id,
      format: 'actor',
      sizeBytes: 4,
    })
    expect((await get('/v1/modules')).json.modules).toHaveLength(1)
    const response = await fetch(`${open.gateway.url}/v1/modules/${module.id}/item`)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(module.bytes))
  })

  it('takes only modules at the modules path', async () => {
    const message = await item(process, 'x', [['Type', 'Message']])
    const response = await post('/v1/modules', message.bytes)
    expect([response.status, ((await response.json()) as Answer).code]).toEqual([400, 'wrong-type'])
    expect((await get(`/v1/messages/${message.id}`)).status).toBe(404)
  })

  it('shows a process, its feeds and how far they have come', async () => {
    const { json } = await get(`/v1/processes/${process}`)
    expect(json).toMatchObject({
      id: process,
      policy: { schedulers: [open.units.key], computeQuorum: 1 },
      epoch: 0,
    })
    expect(json.scheduled).toBe(json.evaluated)
    expect(json.feedKey).toHaveLength(43)
    expect((await get('/v1/processes?limit=1')).json).toMatchObject({
      processes: [{ id: process }],
      next: process,
    })
    expect((await get(`/v1/processes?after=${process}`)).json.processes).toHaveLength(0)
  })

  it('pages results in both orders without a gap or a repetition', async () => {
    const own = await spawn()
    for (let i = 0; i < 9; i++) await post('/v1/messages', (await item(own, `m${i}`, [['Type', 'Message']])).bytes)
    const read = async (order: string) => {
      const slots: number[] = []
      for (let query = ''; ; ) {
        const { json } = await get(`/v1/processes/${own}/results?limit=4&order=${order}${query}`)
        slots.push(...json.results.map(result => result.slot))
        if (json.next === undefined) return slots
        query = order === 'asc' ? `&from=${json.next}` : `&to=${json.next}`
      }
    }
    expect(await read('asc')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await read('desc')).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    const { json } = await get(`/v1/processes/${own}/slots?from=3&limit=2`)
    expect([json.assignments.map(entry => entry.slot), json.next]).toEqual([[3, 4], 5])
  })

  it('gives frames byte for byte and certificates with signatures', async () => {
    const bytes = new Uint8Array(
      await (await fetch(`${open.gateway.url}/v1/processes/${process}/frames?from_block=1&limit=1`)).arrayBuffer(),
    )
    const page = decodeFeedPage(bytes)
    expect([page.from, page.blocks.length]).toEqual([1, 1])
    const { json } = await get(`/v1/processes/${process}/certificates`)
    expect(json).toMatchObject({ unit: open.units.key, length: page.length })
    expect(json.certificates[0]?.signatures).toMatchObject([{ unit: 0 }])
  })

  it('runs queries, reads cells and shows traces', async () => {
    const response = await post(
      `/v1/processes/${process}/query`,
      JSON.stringify({ tags: [{ name: 'a', value: 'b' }], data: 'aGk' }),
      'application/json',
    )
    expect(await response.json()).toMatchObject({ status: 'ok', output: 'aGk', gas: '1' })
    open.units.cells.set('k', new Uint8Array([1, 2]))
    expect(
      new Uint8Array(await (await fetch(`${open.gateway.url}/v1/processes/${process}/cells/aw`)).arrayBuffer()),
    ).toEqual(new Uint8Array([1, 2]))
    expect((await get(`/v1/processes/${process}/cells/bm8`)).status).toBe(404)
    expect((await get(`/v1/messages/${process}/trace?settled=true`)).json).toMatchObject({
      settled: true,
      root: { id: process },
    })
  })

  it('waits for a result no longer than it is told', async () => {
    open.units.held = true
    const message = await item(process, 'held', [['Type', 'Message']])
    await post('/v1/messages', message.bytes)
    const early = await get(`/v1/processes/${process}/results/${message.id}?wait_ms=20`)
    expect([early.status, early.json.code]).toEqual([504, 'timeout'])
    const late = get(`/v1/processes/${process}/results/${message.id}?wait_ms=30000`)
    await open.units.release()
    expect((await late).status).toBe(200)
  })

  it('tells what the node is and what can fail', async () => {
    expect((await get('/v1/node')).json).toMatchObject({
      key: open.units.key,
      scheduler: open.units.key,
      limits: { WAIT_MAX_MS: 60000 },
    })
    expect((await get('/v1/failures')).json.failures.find(row => row.code === 'busy')).toMatchObject({
      number: 'AT3001',
      status: 429,
    })
    expect((await get('/openapi.json')).json.openapi).toBe('3.1.0')
    const front = await (await fetch(open.gateway.url)).text()
    const paths = front.match(/^\/\S+/gm) ?? []
    expect(paths.length).toBeGreaterThan(4)
    for (const path of paths.filter(one => !['/mu', '/api/v2/status'].includes(one)))
      expect((await fetch(`${open.gateway.url}${path}`)).status, path).toBe(200)
    // The addresses that a node names when it is ready lead somewhere, too.
    for (const path of ['/v1', '/api']) expect(await (await fetch(`${open.gateway.url}${path}`)).text()).toBe(front)
    expect((await fetch(`${open.gateway.url}/?any=thing`)).status).toBe(404)
    expect((await get('/health')).json).toEqual({ status: 'ok' })
    const metrics = await (await fetch(`${open.gateway.url}/metrics`)).text()
    expect(metrics).toMatch(/atoll_http_requests_total\{operation="send",status="200"\} [1-9]/)
  })

  it('lets those who show the token do what only they may', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const status = await fetch(`${open.gateway.url}/v1/admin/status`, { headers })
    expect(await status.json()).toEqual({ facts: { processes: 0 } })
    const checkpoint = await fetch(`${open.gateway.url}/v1/admin/checkpoint`, {
      headers,
      method: 'POST',
    })
    expect(await checkpoint.json()).toEqual({ checkpoints: 3 })
    const shutdown = await fetch(`${open.gateway.url}/v1/admin/shutdown`, {
      headers,
      method: 'POST',
    })
    expect(await shutdown.json()).toEqual({ stopping: true })
    expect(open.admin.shutdowns).toBe(1)
  })
})
