import { describe, expect, test } from 'vitest'
import { asProcessId, toUtf8 } from '../../../protocol/index.ts'
import { findFault, type SeenAssignment } from './check-assignments.ts'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { call, pick, post } from './http-call.ts'
import { pushEnvelope, Sender } from './sender.ts'

async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const module = await sender.module()
  return { node, sender, module, process: await sender.spawn(module, 'Name', 'one') }
}

const nonceOf = (edge: unknown): string | undefined => {
  const tags = pick(edge, ['node', 'assignment', 'tags'])
  const all = Array.isArray(tags) ? (tags as { name: string; value: string }[]) : []
  return all.find(({ name }) => name === 'Nonce')?.value
}

const noncesOf = (edges: unknown): (string | undefined)[] => (Array.isArray(edges) ? edges.map(nonceOf) : [])

describe('the scheduler unit on AO’s wire', () => {
  test('tells time, height, health and its key', async () => {
    await using node = await FakeNode.open()
    node.nowMs = 1_700_000_240_001
    expect((await call(`${node.url}/su`)).json).toEqual({
      timestamp: '1700000240001',
      address: NODE_KEY,
    })
    expect((await call(`${node.url}/su/timestamp`)).json).toEqual({
      timestamp: '1700000240001',
      block_height: '000001500002',
    })
    expect((await call(`${node.url}/su/health`)).status).toBe(200)
  })

  test('takes items and assignments, and refuses bad ones', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const item = await sender.item({ target: process, pairs: ['Type', 'Message'] })
    const taken = await post(`${node.url}/su`, item.bytes)
    expect([taken.status, taken.json]).toEqual([200, { timestamp: node.nowMs, id: item.id }])
    const other = await sender.spawn(module)
    const assigned = await post(`${node.url}/su?process-id=${other}&assign=${item.id}`, '')
    expect([assigned.status, assigned.at('id')]).toEqual([200, expect.any(String)])
    expect((await post(`${node.url}/su`, 'nonsense')).status).toBe(400)
  })

  test('describes a process', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const answer = await call(`${node.url}/su/processes/${process}`)
    expect(answer.json).toMatchObject({
      process_id: process,
      block: '1500000',
      owner: { address: sender.signer.address },
      timestamp: node.nowMs,
      data: ' ',
      anchor: null,
      target: '',
    })
    expect(answer.at('tags')).toEqual(expect.arrayContaining([{ name: 'Name', value: 'one' }]))
  })

  test('shows anchors as text, and data that is no text as null', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const anchor = '00000000000000000000000000000042'
    const item = await sender.item({
      target: process,
      data: 'päng',
      anchor: toUtf8(anchor),
      pairs: ['Type', 'Message'],
    })
    await sender.post(item)
    const seen = await call(`${node.url}/su/${item.id}?process-id=${process}`)
    expect(seen.at('message')).toMatchObject({ id: item.id, anchor, data: 'päng', target: process })
    const bytes = await sender.item({
      target: process,
      data: new Uint8Array([0xff, 1]),
      pairs: ['Type', 'Message'],
    })
    await sender.post(bytes)
    expect((await call(`${node.url}/su/${bytes.id}?process-id=${process}`)).at('message', 'data')).toBeNull()
    const raw = await fetch(`${node.url}/raw/${bytes.id}`)
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(new Uint8Array([0xff, 1]))
  })

  test('finds an entry by message id, assignment id and process id', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(process, 'hello')
    const byMessage = await call(`${node.url}/su/${id}?process-id=${process}`)
    const byAssignment = await call(`${node.url}/su/${String(byMessage.at('assignment', 'id'))}?process-id=${process}`)
    expect(byAssignment.json).toEqual(byMessage.json)
    expect(byMessage.at('message', 'data')).toBe('hello')
    expect((await call(`${node.url}/su/${process}/latest`)).json).toEqual(byMessage.json)
  })

  test('lists from the process on, and its assignments hold', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    for (let i = 0; i < 4; i++) await sender.message(process, `m${i}`)
    // As getMessages of aoconnect asks: without process-id, and with words for what was left out.
    const page = await call(`${node.url}/su/${process}?from=0&to=undefined&limit=undefined`)
    expect(page.at('page_info', 'has_next_page')).toBe(false)
    const edges = page.at('edges')
    expect(noncesOf(edges)).toEqual(['0', '1', '2', '3', '4'])
    expect(page.at('edges', 0, 'node', 'message', 'id')).toBe(process)
    const assignments = (edges as { node: { assignment: SeenAssignment } }[]).map(({ node: seen }) => seen.assignment)
    expect(findFault(process, assignments)).toBeUndefined()
  })

  test('puts every slot on exactly one page, also where many share one timestamp', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    for (let i = 1; i < 12; i++) {
      if (i % 5 === 0) node.nowMs++
      await sender.message(process)
    }
    for (const limit of [1, 2, 3, 5, 12, 100]) {
      const seen: (string | undefined)[] = []
      let from = ''
      for (let more = true, pages = 0; more && pages < 20; pages++) {
        const page = await call(`${node.url}/su/${process}?process-id=${process}&limit=${limit}&from=${from}`)
        seen.push(...noncesOf(page.at('edges')))
        from = String(page.at('edges', -1, 'cursor'))
        more = page.at('page_info', 'has_next_page') === true
      }
      expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => String(i)))
    }
  })

  test('takes from as exclusive and to as inclusive, as timestamps and as nonces', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const start = node.nowMs
    for (let i = 1; i <= 4; i++) {
      node.nowMs += 10
      await sender.message(process)
    }
    const ask = async (query: string) => noncesOf((await call(`${node.url}/su/${process}?${query}`)).at('edges'))
    expect(await ask(`from=${start + 10}`)).toEqual(['2', '3', '4'])
    expect(await ask(`from=${start + 10}&to=${start + 30}`)).toEqual(['2', '3'])
    expect(await ask(`from=${start - 1}&to=${start + 9}`)).toEqual(['0'])
    expect(await ask(`from=${start + 40}`)).toEqual([])
    expect(await ask('from-nonce=-1&limit=2')).toEqual(['0', '1'])
    expect(await ask('from-nonce=1&to-nonce=3')).toEqual(['2', '3'])
    const page = await call(`${node.url}/su/${process}?from-nonce=0&limit=2`)
    expect([page.at('edges', 0, 'cursor'), page.at('edges', 1, 'cursor')]).toEqual(['1', '2'])
    expect(page.at('page_info', 'has_next_page')).toBe(true)
  })

  test('presents a push as AO’s messenger would have signed it', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const other = await sender.spawn(module)
    const anchor = toUtf8('00000000000000000000000000000007')
    const tags = [
      { name: 'Action', value: 'Ping' },
      { name: 'From-Process', value: 'forged' },
      { name: 'Reference', value: '7' },
    ]
    const { id } = await node.write(
      other,
      pushEnvelope(process, other, { kind: 'message', tags, data: toUtf8('hi'), anchor }),
    )
    const seen = await call(`${node.url}/su/${id}?process-id=${other}`)
    expect(seen.at('message')).toMatchObject({
      id,
      owner: { address: NODE_KEY, key: NODE_KEY },
      data: 'hi',
      anchor: '00000000000000000000000000000007',
      target: other,
      signature: Buffer.alloc(64, 6).toString('base64url'),
    })
    expect(seen.at('message', 'tags')).toEqual([
      { name: 'Action', value: 'Ping' },
      { name: 'Reference', value: '7' },
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Type', value: 'Message' },
      { name: 'From-Process', value: process },
      { name: 'From-Module', value: module },
      { name: 'Pushed-For', value: Buffer.alloc(32, 4).toString('base64url') },
    ])
  })

  test('shows ticks and rejects without breaking the chain', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    await node.write(process, {
      kind: 'tick',
      timer: toUtf8('cron/0-2000'),
      dueMs: node.nowMs,
    })
    await node.write(process, {
      kind: 'reject',
      from: asProcessId(NODE_KEY),
      seq: 3,
      reason: 'too-large',
    })
    await sender.message(process)
    const page = await call(`${node.url}/su/${process}`)
    expect(page.at('edges', 1, 'node', 'message', 'tags')).toEqual(
      expect.arrayContaining([{ name: 'Cron', value: 'true' }]),
    )
    expect(page.at('edges', 2, 'node', 'message', 'tags')).toEqual(
      expect.arrayContaining([{ name: 'Reason', value: 'too-large' }]),
    )
    const edges = page.at('edges') as { node: { assignment: SeenAssignment } }[]
    expect(
      findFault(
        process,
        edges.map(({ node: seen }) => seen.assignment),
      ),
    ).toBeUndefined()
  })
})
