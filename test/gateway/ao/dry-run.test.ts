import { describe, expect, test } from 'vitest'
import { toUtf8 } from '../../../protocol/index.ts'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { post } from './http-call.ts'
import { Sender } from './sender.ts'

async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  return { node, process: await sender.spawn(await sender.module()) }
}

describe('dry-runs on AO’s wire', () => {
  test('runs a dry-run as AO’s clients ask for it', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const url = `${node.url}/cu/dry-run?process-id=${process}`
    const body = {
      Id: '1234',
      Target: process,
      Owner: 'me',
      Anchor: '0',
      Data: 'q',
      Tags: [{ name: 'Action', value: 'Info' }],
    }
    const answer = await post(url, body)
    expect([answer.status, answer.at('Output', 'data')]).toEqual([200, 'q'])
    expect(node.queries.at(-1)).toMatchObject({
      id: '1234',
      owner: 'me',
      from: 'me',
      tags: body.Tags,
      anchor: toUtf8('0'),
    })
    await post(url, { ...body, Tags: [{ name: 'From-Process', value: process }] })
    expect(node.queries.at(-1)).toMatchObject({ owner: 'me', from: process })
    await post(url, {})
    expect(node.queries.at(-1)).toMatchObject({
      owner: '1234',
      from: '1234',
      tags: [],
      data: new Uint8Array(0),
    })
  })

  test('refuses a dry-run that has no form', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const url = `${node.url}/cu/dry-run?process-id=${process}`
    const bad = [
      '',
      '{',
      '[]',
      'null',
      '"x"',
      { Tags: 'x' },
      { Tags: [1] },
      { Tags: [{ name: 'a' }] },
      { Data: {} },
      { Timestamp: 'soon' },
    ]
    for (const body of bad) expect([body, (await post(url, body)).status]).toEqual([body, 400])
    expect((await post(url, { Tags: Array(129).fill({ name: 'a', value: 'b' }) })).status).toBe(400)
    expect((await post(`${url}&to=${process}`, {})).status).toBe(400)
    expect((await post(`${node.url}/cu/dry-run`, {})).status).toBe(400)
    expect((await post(`${node.url}/cu/dry-run?process-id=${NODE_KEY}`, {})).status).toBe(404)
    expect(node.queries).toEqual([])
  })
})
