import { join } from 'node:path'
import { Client as McpClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { McpHttpServer } from '../../mcp/index.ts'
import type { Failure } from '../../protocol/index.ts'
import { Client, ed25519Signer, generateEd25519Seed, inProcessTransport } from '../../sdk/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { TestNode } from '../fakes/test-node.ts'
import { Counter } from '../processes/agent/programs/counter.contract.ts'
import { Sum } from './programs/sum.contract.ts'

let node: TestNode
let client: Client

async function addModule(file: string, name: string): Promise<void> {
  const { bytes } = await buildAgent(join(import.meta.dirname, file))
  await client.modules.add(bytes, { format: 'agent', tags: [{ name: 'Name', value: name }] })
}

beforeAll(async () => {
  node = await TestNode.open()
  const signer = ed25519Signer(generateEd25519Seed())
  client = new Client({ transport: inProcessTransport(node.node.operations), signer })
  await addModule('../processes/agent/programs/counter.process.ts', 'counter')
  await addModule('programs/sum.process.ts', 'sum')
})

afterAll(() => node[Symbol.asyncDispose]())

test('a typed client talks to processes that talk to each other', async () => {
  const shards = await Promise.all(
    [1, 2, 3].map(start => client.spawn(Counter, { module: 'counter', args: { start } })),
  )
  const sum = await client.spawn(Sum, { module: 'sum', name: 'sum', args: { shards: shards.map(({ id }) => id) } })
  await sum.spawned.reply()
  const sent = await sum.send.fanOut({ by: 10 })
  expect(await sent.reply()).toBe(36)
  expect((await sent.settled()).root.children).toHaveLength(3)
  // Calls that wait at once follow one feed, and each gets its own reply.
  const sums = await Promise.all([1, 1, 1, 1].map(by => sum.fanOut({ by })))
  expect(sums).toEqual([39, 42, 45, 48])
  expect(await sum.calls()).toBe(5)
  expect(await shards[0]?.state()).toMatchObject({ total: 15 })
  for await (const { sum: first } of sum.events('done', { from: 0 })) {
    expect(first).toBe(36)
    break
  }
})

test('what a process refuses, now or later, is a failure with its own code and place', async () => {
  const counter = await client.spawn(Counter, { module: 'counter' })
  const failure = await counter.fail({ why: 'a test' }).catch(error => error as Failure)
  expect(failure).toMatchObject({ code: 'process-error', details: { code: 'refused', slot: 1 } })
  expect(String(failure)).toMatch(/counter\.fail: refused: a test \(counter\.process\.ts:\d+:\d+\)/)
  const sum = await client.spawn(Sum, { module: 'sum', args: { shards: [counter.id] } })
  const refused = await sum.fanOut({ by: 0 }).catch(error => error as Failure)
  expect(refused).toMatchObject({ code: 'process-error', details: { code: 'bad-input' } })
  const other = new Client({ transport: client.transport, signer: ed25519Signer(generateEd25519Seed()) })
  await expect(other.process(Counter, counter.id).reset()).rejects.toMatchObject({ details: { code: 'not-allowed' } })
})

test('what a module says of itself is enough for a client, and for a language model', async () => {
  const found = await client.processes.contract('sum')
  expect(Object.keys(found.messages)).toEqual(['fanOut'])
  expect(await client.process(found, 'sum')['calls']?.()).toBe(5)
  await using server = await McpHttpServer.open({
    client,
    version: '0',
    command: 'atoll',
    allowWrite: true,
    processes: ['sum'],
    port: 0,
    token: 'a-token',
  })
  const mcp = new McpClient({ name: 'test', version: '1' })
  const headers = { authorization: 'Bearer a-token' }
  await mcp.connect(new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }))
  expect((await mcp.listTools()).tools.map(({ name }) => name)).toEqual(['sum__calls', 'sum__fanOut'])
  expect(await mcp.callTool({ name: 'sum__fanOut', arguments: { by: 0.5 } })).toMatchObject({ isError: true })
  expect(await mcp.callTool({ name: 'sum__fanOut', arguments: { by: 1 } })).toMatchObject({
    structuredContent: { reply: 51 },
  })
  await mcp.close()
})
