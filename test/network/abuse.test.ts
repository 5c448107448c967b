import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AtollNode, createNode, standardModules } from '../../node/index.ts'
import { type Receipt, signDataItemSync, type Tag } from '../../protocol/index.ts'

const SEED = new Uint8Array(32).fill(5)
const FLIPS = 10_000

const tags = (fields: Record<string, string>): Tag[] =>
  Object.entries({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', ...fields }).map(([name, value]) => ({ name, value }))

let data: string
let node: AtollNode
let counter: string

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'atoll-abuse-'))
  node = await createNode({ data, port: 0, hosts: 1 })
  const module = (await standardModules()).find(({ name }) => name === 'counter')
  if (module === undefined) throw new Error('no counter')
  const added = signDataItemSync({ tags: [...tags({ Type: 'Module' }), ...module.tags], data: module.wasm }, SEED)
  await node.messenger.submit([added.bytes])
  const spawned = signDataItemSync(
    { tags: tags({ Type: 'Process', Module: added.id, Scheduler: node.key }), data: ' ' },
    SEED,
  )
  await node.messenger.submit([spawned.bytes])
  counter = spawned.id
})

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(data, { recursive: true })
})

function post(path: string, type: string, body: Uint8Array, agent?: Agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length }
    const sent = request(
      `${node.url}${path}`,
      { method: 'POST', headers, ...(agent === undefined ? {} : { agent }) },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const add = (nth: string): { id: string; bytes: Uint8Array } =>
  signDataItemSync(
    { target: counter, tags: tags({ Type: 'Message', Action: 'Add', Quantity: '1', Nth: nth }), data: ' ' },
    SEED,
  )

it('gives one item that is posted 1,000 times over 50 connections one slot and 1,000 equal receipts', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const item = add('same')
  const answers = await Promise.all(
    Array.from({ length: 1000 }, () => post('/v1/messages', 'application/octet-stream', item.bytes, agent)),
  )
  agent.destroy()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const receipts = answers.map(({ text }) => JSON.parse(text) as Receipt)
  expect(new Set(receipts.map(receipt => JSON.stringify(receipt))).size).toBe(1)
  expect(receipts[0]?.id).toBe(item.id)
  const places = await node.log.messages.placesOf(receipts[0]?.id ?? ('' as Receipt['id']))
  expect(places).toEqual([{ process: counter, slot: receipts[0]?.slot }])
})

it('accepts none of 10,000 items with one flipped bit, and answers none with a 5xx', async () => {
  const { bytes } = add('flipped')
  const before = await post('/v1/messages', 'application/octet-stream', add('before').bytes)
  const slotBefore = (JSON.parse(before.text) as Receipt).slot
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const flip = async (nth: number): Promise<number> => {
    // A stride that shares no factor with the number of bits meets them all before it repeats.
    const bit = (nth * 7919) % (bytes.length * 8)
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return (await post('/v1/messages', 'application/octet-stream', flipped, agent)).status
  }
  const statuses = await Promise.all(Array.from({ length: FLIPS }, (_, nth) => flip(nth)))
  agent.destroy()
  expect(statuses.filter(status => status < 400 || status > 499)).toEqual([])
  const after = await post('/v1/messages', 'application/octet-stream', add('after').bytes)
  expect((JSON.parse(after.text) as Receipt).slot).toBe(slotBefore + 1)
})

it('answers one flipped item after the other with a 4xx on every door that takes items', async () => {
  const { bytes } = add('doors')
  for (let nth = 0; nth < 200; nth++) {
    const flipped = bytes.slice()
    const at = (nth * 131) % bytes.length
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (nth % 8))
    for (const path of ['/v1/messages', '/v1/modules', '/mu', '/su']) {
      const { status } = await post(path, 'application/octet-stream', flipped)
      expect(status, `${path}, byte ${at}`).toBeGreaterThanOrEqual(400)
      expect(status, `${path}, byte ${at}`).toBeLessThan(500)
    }
  }
})
