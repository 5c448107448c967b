import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { fromBase64Url, toBase64Url } from '../../protocol/index.ts'
import { documents, run, temporaryFolder } from './test-terminal.ts'

/** A node that lies: it passes on what another says, but for what `change` makes of it. */
async function lyingNode(truth: string, change: (path: string, body: Uint8Array) => Uint8Array): Promise<Server> {
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${truth}${request.url ?? ''}`)
    const body = change(request.url ?? '', new Uint8Array(await answer.arrayBuffer()))
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Changes one field of the first certificate or result in a JSON text. */
function flip(body: Uint8Array, field: string): Uint8Array {
  const text = new TextDecoder().decode(body)
  const changed = text.replace(new RegExp(`"${field}":"([\\w-]+)"`), (_, value: string) => {
    const bytes = fromBase64Url(value)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return `"${field}":"${toBase64Url(bytes)}"`
  })
  expect(changed).not.toBe(text)
  return new TextEncoder().encode(changed)
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: AtollNode
let process: string

beforeAll(async () => {
  folder = await temporaryFolder()
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  const env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }
  await run(['module', 'add', standardProcessPath('counter'), '--tag', 'Actor-Memory=scratch'], { env })
  const spawned = await run(['spawn', 'counter', '-o', 'json'], { env })
  process = String(documents(spawned.stdout)[0]?.['process'])
  await run(['send', process, '-a', 'Add'], { env })
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const ask = async (words: readonly string[], change: (path: string, body: Uint8Array) => Uint8Array) => {
  const server = await lyingNode(node.url, change)
  try {
    return await run(words, { env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: urlOf(server) } })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('an honest node passes: the go-between changes nothing by itself', async () => {
  expect((await ask(['result', process, '1', '--verify'], (_, body) => body)).code).toBe(0)
  expect((await ask(['process', 'verify', process], (_, body) => body)).code).toBe(0)
})

test.each(['result', 'head', 'certificate', 'signature'])('a result whose %s was changed ends with 6', async field => {
  const { code, stdout, stderr } = await ask(['result', process, '1', '--verify'], (path, body) =>
    path.includes('/certified') ? flip(body, field) : body,
  )
  expect([code, stdout]).toEqual([6, ''])
  expect(stderr).toContain('AT2007')
})

test('a result of another slot ends with 6', async () => {
  const { code } = await ask(['result', process, '1', '--verify'], (path, body) => {
    if (!path.includes('/slots/')) return body
    return new TextEncoder().encode(new TextDecoder().decode(body).replace('"block":1', '"block":0'))
  })
  expect(code).toBe(6)
})

test('a feed that was changed ends with 6, and the report says where', async () => {
  const { code, stdout } = await ask(['process', 'verify', process, '-o', 'json'], (path, body) => {
    if (!path.includes('/frames')) return body
    const changed = body.slice()
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    return changed
  })
  expect(code).toBe(6)
  expect(documents(stdout)[0]).toMatchObject({ ok: false, firstFault: { slot: 1 } })
})

test('a certificate that says something else ends with 6', async () => {
  const { code, stdout } = await ask(['process', 'verify', process, '-o', 'json'], (path, body) =>
    path.includes('/certificates') ? flip(body, 'certificate') : body,
  )
  expect(code).toBe(6)
  expect(documents(stdout)[0]).toMatchObject({ ok: false, firstFault: { slot: 0 } })
})
