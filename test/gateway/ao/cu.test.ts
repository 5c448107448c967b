import { describe, expect, test } from 'vitest'
import { makePush, toUtf8, type Push } from '../../../protocol/index.ts'
import { aoOutput, FakeNode, NODE_KEY } from './fake-node.ts'
import { call, pick, post } from './http-call.ts'
import { Sender } from './sender.ts'

async function nodeWithProcess(format?: string) {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  return { node, sender, process: await sender.spawn(await sender.module(format)) }
}

const decode = (cursor: unknown): unknown => JSON.parse(Buffer.from(String(cursor), 'base64').toString())
const outputs = (edges: unknown): unknown[] =>
  Array.isArray(edges) ? edges.map(edge => pick(edge, ['node', 'Output', 'data'])) : []

describe('the compute unit on AO’s wire', () => {
  test('tells its key and time', async () => {
    await using node = await FakeNode.open()
    expect((await call(`${node.url}/cu`)).json).toEqual({
      address: NODE_KEY,
      timestamp: node.nowMs,
    })
  })

  test('gives what the process said, without its memory', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(process)
    const output = aoOutput({
      Output: { data: '42' },
      Messages: [{ Target: 'x' }],
      Memory: [1, 2],
      GasUsed: 7,
    })
    node.program = slot => (slot === 1 ? { output } : undefined)
    const answer = await call(`${node.url}/cu/result/${id}?process-id=${process}&no-busy=1`)
    expect(answer.json).toEqual({
      Messages: [{ Target: 'x' }],
      Assignments: [],
      Spawns: [],
      Output: { data: '42' },
      GasUsed: 7,
    })
  })

  test('finds results by process, assignment and assigned message', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const other = await sender.spawn(await sender.module())
    const message = await sender.message(other)
    const assigned = await post(`${node.url}/mu?process-id=${process}&assign=${message}`, '')
    const entry = await call(`${node.url}/su/${process}/latest`)
    const of = async (id: unknown) =>
      (await call(`${node.url}/cu/result/${String(id)}?process-id=${process}`)).at('Output', 'data')
    expect(await of(process)).toBe('slot 0')
    expect(await of(assigned.at('id'))).toBe('slot 1')
    expect(await of(entry.at('assignment', 'id'))).toBe('slot 1')
    expect(await of(message)).toBe('slot 1')
  })

  test('says Error where a slot failed or had no effect', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const ids = [await sender.message(process), await sender.message(process), await sender.message(process)]
    node.program = slot => {
      if (slot === 1)
        return {
          status: 'error',
          error: { code: 'aos-error', message: 'boom' },
          output: aoOutput({ Error: '[string] boom' }),
        }
      if (slot === 2)
        return {
          status: 'error',
          error: { code: 'out-of-gas', message: 'out of gas' },
          output: new Uint8Array(0),
        }
      return slot === 3 ? { status: 'duplicate', output: new Uint8Array(0) } : undefined
    }
    const errors = await Promise.all(
      ids.map(async id => (await call(`${node.url}/cu/result/${id}?process-id=${process}`)).at('Error')),
    )
    expect(errors).toEqual(['[string] boom', 'out of gas', 'the slot had no effect: duplicate'])
    const page = await call(`${node.url}/cu/results/${process}`)
    expect(outputs(page.at('edges'))).toEqual(['slot 0'])
  })

  test('says with 202 that a result takes longer', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    node.evaluatedTo = 0
    const answer = await call(`${node.url}/cu/result/${process}?process-id=${process}`)
    expect([answer.status, answer.at('message')]).toEqual([202, expect.stringContaining('in progress')])
    expect((await call(`${node.url}/cu/results/${process}`)).at('edges')).toEqual([])
  })

  test('shapes results of processes that do not speak AO', async () => {
    const { node, sender, process } = await nodeWithProcess('actor')
    await using _ = node
    const id = await sender.message(process)
    const body = {
      kind: 'message',
      tags: [{ name: 'Action', value: 'Go' }],
      data: toUtf8('x'),
      anchor: undefined,
    } as const
    const core = {
      from: process,
      slot: 1,
      index: 0,
      seq: 3,
      to: process,
      depth: 1,
      fuel: 1n,
      origin: (await node.write(process, { kind: 'tick', timer: toUtf8('t'), dueMs: 1 })).id,
    }
    const outbox: Push[] = [makePush(core, body), makePush({ ...core, index: 1 }, { ...body, kind: 'spawn' })]
    node.program = () => ({
      output: toUtf8('reply'),
      outbox,
      assigns: [{ message: id, process, exclude: [] }],
    })
    const answer = await call(`${node.url}/cu/result/${id}?process-id=${process}`)
    expect(answer.json).toMatchObject({
      Output: { data: 'reply' },
      Messages: [{ Target: process, Anchor: '00000000000000000000000000000003', Tags: body.tags, Data: 'x' }],
      Spawns: [{ Target: process }],
      Assignments: [{ Message: id, Processes: [process], Exclude: [] }],
      GasUsed: 5,
    })
  })

  test('pages results both ways; from is exclusive and to inclusive', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const start = node.nowMs
    for (let i = 1; i <= 6; i++) {
      if (i % 2 === 1) node.nowMs += 10
      await sender.message(process)
    }
    const ask = (query: string) => call(`${node.url}/cu/results/${process}?${query}`)
    const slots = async (query: string) => outputs((await ask(query)).at('edges'))
    const first = await ask('limit=3')
    expect(outputs(first.at('edges'))).toEqual(['slot 0', 'slot 1', 'slot 2'])
    expect(first.at('pageInfo', 'hasNextPage')).toBe(true)
    const cursor = first.at('edges', 2, 'cursor')
    expect(decode(cursor)).toEqual({
      timestamp: start + 10,
      ordinate: '2',
      cron: null,
      sort: 'ASC',
    })
    expect(String(cursor)).toMatch(/^[A-Za-z0-9+/]+=*$/)
    const next = await ask(`limit=10&from=${encodeURIComponent(String(cursor))}`)
    expect(outputs(next.at('edges'))).toEqual(['slot 3', 'slot 4', 'slot 5', 'slot 6'])
    expect(next.at('pageInfo', 'hasNextPage')).toBe(false)
    const newest = await ask('sort=DESC&limit=2')
    expect(outputs(newest.at('edges'))).toEqual(['slot 6', 'slot 5'])
    expect(decode(newest.at('edges', 0, 'cursor'))).toMatchObject({ ordinate: '6', sort: 'DESC' })
    expect(newest.at('pageInfo', 'hasNextPage')).toBe(true)
    expect(await slots(`sort=desc&from=${start + 10}&to=${start + 20}`)).toEqual(['slot 4', 'slot 3'])
    expect(await slots(`from=${start + 20}`)).toEqual(['slot 5', 'slot 6'])
    expect(await slots(`to=${encodeURIComponent(String(cursor))}`)).toEqual(['slot 0', 'slot 1', 'slot 2'])
    // The order a cursor was made in wins.
    expect(await slots(`sort=ASC&from=${String(decodeToDesc(cursor))}`)).toEqual([
      'slot 6',
      'slot 5',
      'slot 4',
      'slot 3',
    ])
    expect(await slots('sort=DESC&limit=1000')).toHaveLength(7)
  })

  test('walks long feeds in both directions', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const { bytes } = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    await node.write(process, ...Array.from({ length: 300 }, () => ({ kind: 'item' as const, item: bytes })))
    node.program = slot => (slot % 2 === 0 ? { status: 'error', error: { code: 'x', message: 'x' } } : undefined)
    const odd = Array.from({ length: 150 }, (_, i) => `slot ${2 * i + 1}`)
    const ask = async (query: string) => outputs((await call(`${node.url}/cu/results/${process}?${query}`)).at('edges'))
    expect(await ask('limit=1000')).toEqual(odd)
    expect(await ask('limit=1000&sort=DESC')).toEqual(odd.toReversed())
    expect(await ask('limit=149&sort=DESC')).toEqual(odd.toReversed().slice(0, 149))
  })

  test('lists ticks alone under /cron, with the name of the timer in the cursor', async () => {
    const { node, sender } = await nodeWithProcess()
    await using _ = node
    const crons = ['Cron-Interval', 'never', 'Cron-Interval', '1-hour', 'Cron-Interval', '2-seconds']
    const process = await sender.spawn(await sender.module(), ...crons)
    await node.write(process, {
      kind: 'tick',
      timer: toUtf8('cron/1-2000'),
      dueMs: node.nowMs,
    })
    await sender.message(process)
    await node.write(process, { kind: 'tick', timer: toUtf8('wake'), dueMs: node.nowMs })
    const page = await call(`${node.url}/cu/cron/${process}?limit=500`)
    expect(outputs(page.at('edges'))).toEqual(['slot 1', 'slot 3'])
    expect(decode(page.at('edges', 0, 'cursor'))).toMatchObject({
      ordinate: '1',
      cron: '1-2-seconds',
    })
    expect(decode(page.at('edges', 1, 'cursor'))).toMatchObject({ ordinate: '3', cron: '0-wake' })
    const rest = await call(`${node.url}/cu/cron/${process}?from=${String(page.at('edges', 0, 'cursor'))}`)
    expect(outputs(rest.at('edges'))).toEqual(['slot 3'])
    const all = await call(`${node.url}/cu/results/${process}`)
    expect(outputs(all.at('edges'))).toEqual(['slot 0', 'slot 1', 'slot 2', 'slot 3'])
  })

  test('gives the memory and where it stands', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const response = await fetch(`${node.url}/cu/state/${process}`)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]))
    expect(response.headers.get('last-ordinate')).toBe('0')
    expect(response.headers.get('last-timestamp')).toBe(String(node.nowMs))
    expect(response.headers.get('last-block-height')).toBe('1500000')
  })
})

function decodeToDesc(cursor: unknown): string {
  const fields = { ...(decode(cursor) as object), sort: 'DESC' }
  return encodeURIComponent(Buffer.from(JSON.stringify(fields)).toString('base64'))
}
