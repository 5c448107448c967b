import { once } from 'node:events'
import { request } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { Client as McpClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, onTestFinished, test } from 'vitest'
import { describeContract } from '../../contract/index.ts'
import { McpHttpServer } from '../../mcp/index.ts'
import { encodeAgentModule, JSON_BODY_MAX_BYTES, MCP_CONNECTIONS_MAX } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, generateEd25519Seed } from '../../sdk/index.ts'
import { temporaryFolder } from '../cli/test-terminal.ts'
import { MODULE } from '../conformance/client-under-test.ts'
import { Counter } from '../contract/counter.contract.ts'
import { counterProgram, LATER, REFUSED } from '../fakes/counter-program.ts'
import { openFakeGateway } from '../fakes/fake-gateway.ts'
import type { FakeUnits } from '../fakes/fake-units.ts'

const TOKEN = 'a-token-of-the-test'
const MAIN = join(import.meta.dirname, '../../cli/main.mjs')

interface World {
  readonly url: string
  readonly client: Client
  readonly units: FakeUnits
  readonly id: string
}

/** A node with a process `hits` that keeps the contract `Counter`, and one that keeps none. */
async function world(): Promise<World> {
  const { gateway, units } = await openFakeGateway()
  onTestFinished(() => gateway[Symbol.asyncDispose]())
  const client = connect({ url: gateway.url, signer: ed25519Signer(generateEd25519Seed()) })
  await client.spawn({ module: MODULE, tags: [{ name: 'Name', value: 'strange' }] })
  units.program = counterProgram()
  const bytes = encodeAgentModule({
    agent: 1,
    name: 'counter',
    version: '1.0.0',
    code: '',
    interface: describeContract(Counter),
  })
  await client.modules.add(bytes, { format: 'agent', tags: [{ name: 'Name', value: 'counter' }] })
  const { id } = await client.spawn(Counter, { module: 'counter', name: 'hits', args: { start: 10 } })
  return { url: gateway.url, client, units, id }
}

type HttpParts = Parameters<typeof McpHttpServer.open>[0]

/** A server that may write, on a free port, if nothing else is said. */
function openServer(given: Pick<HttpParts, 'client'> & Partial<HttpParts>): Promise<McpHttpServer> {
  const common = {
    version: '0',
    command: 'npm run -s atoll --',
    allowWrite: true,
    processes: [],
    port: 0,
    token: TOKEN,
  }
  return McpHttpServer.open({ ...common, ...given })
}

async function overHttp({ client }: World, allowWrite: boolean, processes: readonly string[] = []): Promise<McpClient> {
  const server = await openServer({ client, allowWrite, processes })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const mcp = new McpClient({ name: 'test', version: '1' })
  onTestFinished(() => mcp.close())
  const headers = { authorization: `Bearer ${TOKEN}` }
  await mcp.connect(new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }))
  return mcp
}

async function overStdio({ url }: World, allowWrite: boolean, processes: readonly string[] = []): Promise<McpClient> {
  const home = await temporaryFolder()
  onTestFinished(() => home[Symbol.asyncDispose]())
  const mcp = new McpClient({ name: 'test', version: '1' })
  onTestFinished(() => mcp.close())
  const named = processes.flatMap(name => ['--process', name])
  const args = [MAIN, 'mcp', ...(allowWrite ? ['--allow-write'] : []), ...named]
  const env = { PATH: process.env['PATH'] ?? '', ATOLL_HOME: home.path, ATOLL_URL: url, npm_lifecycle_event: 'atoll' }
  await mcp.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }))
  return mcp
}

describe.each([
  ['Streamable HTTP', overHttp],
  ['standard input and output', overStdio],
] as const)('MCP over %s', (_, open) => {
  test('shows queries as tools, and messages only where writes are allowed', async () => {
    const here = await world()
    const { tools } = await (await open(here, false)).listTools()
    expect(tools.map(({ name }) => name)).toEqual(['hits__total', 'hits__above'])
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true)
    const writing = await open(here, true)
    const all = (await writing.listTools()).tools
    expect(all.map(({ name }) => name)).toEqual(['hits__total', 'hits__above', 'hits__add', 'hits__reset'])
    const add = all.find(({ name }) => name === 'hits__add')
    expect(add?.annotations).toMatchObject({ readOnlyHint: false })
    expect(add?.description).toContain('Adds to the total')
    expect(add?.inputSchema).toMatchObject({
      type: 'object',
      properties: { by: { type: 'integer', minimum: 1 } },
      required: ['by'],
      additionalProperties: false,
    })
    expect(add?.outputSchema).toMatchObject({ properties: { reply: { type: 'integer' } } })
    expect(all.find(({ name }) => name === 'hits__reset')?.description).toContain('Only for: owner, self.')
  })

  test('calls messages and queries, and gives their replies', async () => {
    const mcp = await open(await world(), true)
    const added = await mcp.callTool({ name: 'hits__add', arguments: { by: 2 } })
    expect(added).toMatchObject({ content: [{ type: 'text', text: '12' }], structuredContent: { reply: 12 } })
    expect(await mcp.callTool({ name: 'hits__reset', arguments: {} })).toMatchObject({ content: [{ text: 'done' }] })
    expect(await mcp.callTool({ name: 'hits__above', arguments: { limit: -1 } })).toMatchObject({
      structuredContent: { reply: true },
    })
  })

  test('tells a model what went wrong and what to do', async () => {
    const here = await world()
    const mcp = await open(here, true)
    const textOf = async (name: string, given: Record<string, unknown>): Promise<string> => {
      const { isError, content } = await mcp.callTool({ name, arguments: given })
      expect(isError).toBe(true)
      return content[0]?.type === 'text' ? content[0].text : ''
    }
    const before = here.units.submits
    expect(await textOf('hits__add', { by: 0 })).toMatch(
      /^AT1030 .*counter\.add: by: Too small.*\nNext: Nothing was sent/,
    )
    expect(await textOf('hits__add', { by: 1, not: 'x' })).toMatch(
      /^AT1030 .*counter\.add: not: Unrecognized field \(it takes by/,
    )
    expect(await textOf('hits__nope', {})).toContain('no message or query "nope"')
    expect(await textOf('misses__add', {})).toContain('AT1006')
    expect(here.units.submits).toBe(before)
    expect(await textOf('hits__add', { by: REFUSED })).toMatch(/^AT1032 .*that is too much.*code: too-much.*\nNext: /)
    const reading = await open(here, false)
    const refused = await reading.callTool({ name: 'hits__add', arguments: { by: 1 } })
    expect(refused.isError).toBe(true)
    expect(JSON.stringify(refused.content)).toMatch(/Next: .*npm run -s atoll -- mcp --allow-write/)
    expect(JSON.stringify(refused.content)).not.toContain('needs the admin token')
  })

  test('lets state, interface and traces be read', async () => {
    const { client, id, ...rest } = await world()
    const mcp = await open({ client, id, ...rest }, false)
    const sent = await client.process(Counter, id).send.add({ by: 1 })
    const { resources } = await mcp.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual([`atoll://process/${id}/state`])
    const { resourceTemplates } = await mcp.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain('atoll://message/{id}/trace')
    const read = async (uri: string): Promise<unknown> => {
      const [content] = (await mcp.readResource({ uri })).contents
      return content !== undefined && 'text' in content ? JSON.parse(content.text) : undefined
    }
    expect(await read(`atoll://process/${id}/state`)).toEqual({ total: 11 })
    expect(await read(`atoll://process/${id}/interface`)).toMatchObject({ name: 'counter', version: '1.0.0' })
    expect(await read(`atoll://message/${sent.id}/trace`)).toMatchObject({
      root: { id: sent.id, status: 'ok' },
      settled: true,
    })
    for (const uri of [
      `atoll://process/${'x'.repeat(42)}A/state`,
      'atoll://process/hits/state',
      'atoll://nothing',
      `atoll://message/${'x'.repeat(42)}A/trace`,
    ])
      await expect(mcp.readResource({ uri }), uri).rejects.toThrow()
  })

  test('shows nothing of other processes where it was started for some', async () => {
    const here = await world()
    const { client, id } = here
    const other = await client.spawn(Counter, { module: 'counter', name: 'misses', args: { start: 1 } })
    const [own, strange] = await Promise.all([
      client.process(Counter, id).send.add({ by: 1 }),
      client.process(Counter, other.id).send.add({ by: 1 }),
    ])
    const mcp = await open(here, false, ['hits'])
    expect((await mcp.listTools()).tools.map(({ name }) => name)).toEqual(['hits__total', 'hits__above'])
    for (const uri of [
      `atoll://process/${id}/state`,
      `atoll://process/${id}/interface`,
      `atoll://message/${own.id}/trace`,
    ])
      expect((await mcp.readResource({ uri })).contents, uri).toHaveLength(1)
    for (const uri of [
      `atoll://process/${other.id}/state`,
      `atoll://process/${other.id}/interface`,
      `atoll://message/${strange.id}/trace`,
    ])
      await expect(mcp.readResource({ uri }), uri).rejects.toThrow(
        /AT2\d+ .*started for other processes.*\nNext: .*--process/,
      )
  })
})

/** Of requests that no `fetch` makes. */
async function statusOf({ url }: McpHttpServer, method: string, path: string, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const { hostname, port } = new URL(url)
  request({ hostname, port, method, path, headers: { host, authorization: `Bearer ${TOKEN}` } }, answer => {
    answer.resume()
    resolve(answer.statusCode ?? 0)
  })
    .once('error', reject)
    .end()
  return await promise
}

describe('MCP over HTTP', () => {
  test('answers nobody without the token, from elsewhere, or on another path', async () => {
    const { client } = await world()
    await using server = await openServer({ client })
    const ask = async (headers: Record<string, string>, url = server.url): Promise<number> =>
      (await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } }))
        .status
    expect(await ask({})).toBe(401)
    expect(await ask({ authorization: 'Bearer wrong' })).toBe(401)
    expect(await ask({ authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' })).toBe(403)
    expect(await ask({ authorization: `Bearer ${TOKEN}` }, server.url.replace('/mcp', '/other'))).toBe(404)
    expect(await ask({ authorization: `Bearer ${TOKEN}` })).toBe(400)
    await expect(openServer({ client, port: Number(new URL(server.url).port) })).rejects.toMatchObject({
      code: 'port-in-use',
    })
    for (const [method, path, host, status] of [
      ['GET', '//', '127.0.0.1', 404],
      ['TRACE', '/mcp', '127.0.0.1', 400],
      ['GET', 'http://elsewhere/mcp', '127.0.0.1', 400],
      ['GET', '/mcp', 'a b:c', 400],
    ] as const)
      expect(await statusOf(server, method, path, host), `${method} ${path} at ${host}`).toBe(status)
  })

  test('is not kept from those with the token by others who open sockets and say nothing, nor those by them', async () => {
    const { client } = await world()
    await using server = await openServer({ client })
    const { hostname, port } = new URL(server.url)
    const open = async (): Promise<Socket> => {
      const socket = createConnection(Number(port), hostname).on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      return socket
    }
    // It waits for its reply all the while.
    const answered = fetch(new URL('/processes/hits/add', server.url), {
      method: 'POST',
      body: `{"by":${LATER}}`,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    })
    const first = await open()
    const closed = once(first, 'close')
    for (let count = 0; count < 2 * MCP_CONNECTIONS_MAX; count++) await open()
    await closed
    const asked = await fetch(new URL('/processes/hits/total', server.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect([asked.status, await asked.json()]).toEqual([200, 10])
    expect(
      await Promise.race([
        answered.then(
          () => 'answered',
          () => 'cut',
        ),
        Promise.resolve('waits'),
      ]),
    ).toBe('waits')
  })

  test('has room for newcomers while others do not read what they asked for', async () => {
    const { client } = await world()
    await using server = await openServer({ client, connectionsMax: 1 })
    const { hostname, port } = new URL(server.url)
    // It is answered with its own id, and three such answers fit no buffer of the system.
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'i'.repeat(4_000_000), method: 'tools/list' })
    const accept = 'application/json, text/event-stream'
    const headers = `Host: ${hostname}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nAccept: ${accept}`
    const request = `POST /mcp HTTP/1.1\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const deaf = createConnection(Number(port), hostname).on('error', () => undefined)
    onTestFinished(() => void deaf.destroy())
    deaf.write(request.repeat(3))
    await once(deaf, 'readable')
    const ask = (): Promise<number> =>
      fetch(new URL('/processes/hits/total', server.url), {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' },
      }).then(
        ({ status }) => status,
        () => 0,
      )
    await expect.poll(ask, { timeout: 60_000 }).toBe(200)
  })

  test('ends the wait for a reply when the one who asked goes away', async () => {
    const here = await world()
    const mcp = await overHttp(here, true)
    const aborter = new AbortController()
    const call = mcp.callTool({ name: 'hits__add', arguments: { by: LATER } }, { signal: aborter.signal })
    setTimeout(() => aborter.abort(), 100)
    await expect(call).rejects.toThrow()
    expect(await mcp.callTool({ name: 'hits__total', arguments: {} })).toMatchObject({
      structuredContent: { reply: 10 },
    })
  })
})

test('programs without MCP call the same tools over plain HTTP', async () => {
  const { client } = await world()
  await using server = await openServer({ client })
  const ask = async (path: string, init: RequestInit = {}, type = 'application/json') => {
    const headers = { authorization: `Bearer ${TOKEN}`, ...(init.body === undefined ? {} : { 'content-type': type }) }
    const response = await fetch(new URL(path, server.url), { method: 'POST', ...init, headers })
    return [response.status, await response.json()] as const
  }
  const [status, document] = await ask('/processes/hits/openapi.json', { method: 'GET' })
  expect([status, document]).toEqual([
    200,
    expect.objectContaining({ openapi: '3.1.0', servers: [{ url: new URL('/processes/hits', server.url).href }] }),
  ])
  expect(Object.keys((document as { paths: object }).paths)).toEqual(['/add', '/reset', '/total', '/above'])
  expect(await ask('/processes/hits/add', { body: '{"by":2}' })).toEqual([200, 12])
  expect(await ask('/processes/hits/reset')).toEqual([200, null])
  expect(await ask('/processes/hits/total')).toEqual([200, 0])
  const problem = (code: string) => expect.objectContaining({ code })
  expect(await ask('/processes/hits/add', { body: '{"by":0}' })).toEqual([400, problem('bad-input')])
  expect(await ask('/processes/hits/add', { body: `{"by":${REFUSED}}` })).toEqual([422, problem('process-error')])
  expect(await ask('/processes/hits/add', { body: '{' })).toEqual([400, problem('malformed-request')])
  expect(await ask('/processes/hits/add', { body: '{"by":1}' }, 'text/plain')).toEqual([
    415,
    problem('unsupported-media'),
  ])
  expect(await ask('/processes/hits/add', { body: `"${'x'.repeat(JSON_BODY_MAX_BYTES)}"` })).toEqual([
    413,
    problem('too-large'),
  ])
  expect(await ask('/processes/hits/nope')).toEqual([404, problem('not-found')])
  expect(await ask('/processes/hits/constructor')).toEqual([404, problem('not-found')])
  expect(await ask('/processes/misses/add')).toEqual([404, problem('unknown-process')])
  expect(await ask('/processes/hits/total', { method: 'GET' })).toEqual([405, problem('method-not-allowed')])
})

const headOf = (id: string): string => id.replaceAll(/[-_]/g, '').slice(0, 8)

test('processes of one name are told apart', async () => {
  const here = await world()
  const twin = await here.client.spawn(Counter, { module: 'counter', name: 'hits' })
  const unnamed = await here.client.spawn(Counter, { module: 'counter' })
  const { tools } = await (await overHttp(here, false)).listTools()
  const labels = new Set(tools.map(({ name }) => name.split('__')[0]))
  expect(labels).toEqual(
    new Set([`hits-${headOf(here.id)}`, `hits-${headOf(twin.id)}`, `counter-${headOf(unnamed.id)}`]),
  )
})

test('tools have names that models take, whatever processes are called', async () => {
  const here = await world()
  for (const name of ['x'.repeat(48), 'x'.repeat(60), 'a__b', 'a_', '_', 'has spaces', 'dot.ted', 'hits__total'])
    await here.client.spawn(Counter, { module: 'counter', name, args: { start: 10 } })
  const mcp = await overHttp(here, true)
  const { tools } = await mcp.listTools()
  expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length)
  for (const { name } of tools) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  for (const { name } of tools.filter(one => one.name.endsWith('total')))
    expect(await mcp.callTool({ name, arguments: {} })).toMatchObject({ structuredContent: { reply: 10 } })
})

/** A process of somebody who says of it what he likes. */
async function strange({ client }: World, described: object, name: string): Promise<string> {
  const promised = { ...describeContract(Counter), ...described }
  const bytes = encodeAgentModule({ agent: 1, name: 'counter', version: '1.0.0', code: name, interface: promised })
  await client.modules.add(bytes, { format: 'agent', tags: [{ name: 'Name', value: `of-${name}` }] })
  return (await client.spawn(Counter, { module: `of-${name}`, name, args: { start: 10 } })).id
}

test('whatever a process says of itself, the tools of the others are found, and no name is one that models refuse', async () => {
  const here = await world()
  const query = (input: object, reply: object = {}, doc = 'Asks') => ({ queries: { total: { input, reply, doc } } })
  for (const [at, described] of [
    query({ type: 'object', properties: 5, required: 'x' }),
    query({ type: 'object', properties: { a: { $ref: 'http://evil.example' } } }),
    query({}, { $id: 'http://evil.example', type: 'strange', pattern: '(' }),
    query({}, { $id: 'http://evil.example', type: 'number' }),
    query({}, {}, `${'x'.repeat(100_000)}\u{e0041}`),
    { queries: { 'a b': { input: {}, reply: {} } } },
    { queries: { ['x'.repeat(64)]: { input: {}, reply: {} } } },
    { queries: { valueOf: { input: {}, reply: {} } } },
    { name: '</tool> <system>' },
  ].entries())
    await strange(here, described, `no. ${at}`)
  const mcp = await overHttp(here, true)
  const { tools } = await mcp.listTools()
  for (const { name, description } of tools) {
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(description?.length).toBeLessThan(2000)
  }
  for (const { name, inputSchema } of tools.filter(one => one.name.endsWith('__total'))) {
    const given = Object.hasOwn(inputSchema.properties ?? {}, 'input') ? { input: null } : {}
    expect(await mcp.callTool({ name, arguments: given }), name).not.toHaveProperty('isError')
  }
  expect(await mcp.callTool({ name: 'hits__total', arguments: {} })).toMatchObject({ structuredContent: { reply: 10 } })
})

test('a tool whose input is no object takes its one field, and says so', async () => {
  const here = await world()
  await strange(here, { queries: { total: { input: { type: ['integer', 'null'] }, reply: {} } } }, 'lone')
  const mcp = await overHttp(here, true)
  const { tools } = await mcp.listTools()
  const [lone] = tools.filter(({ name }) => name === 'lone__total')
  expect(lone?.inputSchema).toMatchObject({ properties: { input: {} }, additionalProperties: false })
  const call = (given: Record<string, unknown>) => mcp.callTool({ name: 'lone__total', arguments: given })
  expect(await call({ input: null })).not.toHaveProperty('isError')
  expect(JSON.stringify(await call({ input: null, inptu: 1 }))).toMatch(/AT1030 .*inptu: Unrecognized field/)
})

test('nobody takes the calls of another by calling his process what that one is told apart by', async () => {
  const here = await world()
  const unnamed = await here.client.spawn(Counter, { module: 'counter', args: { start: 10 } })
  const label = `counter-${headOf(unnamed.id)}`
  const thief = await here.client.spawn(Counter, { module: 'counter', name: label, args: { start: 666 } })
  const mcp = await overHttp(here, false)
  const { tools } = await mcp.listTools()
  const names = tools.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain(`${label}__total`)
  expect(names).toContain(`${label}-${headOf(thief.id)}__total`)
})
