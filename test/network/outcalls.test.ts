import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { IDL } from '@icp-sdk/core/candid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { principalText } from '../../protocol/index.ts'
import { TestNode } from '../fakes/test-node.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { IcCaller } from './ic-caller.ts'
import { OUTCALLER } from './programs/canisters.ts'

const Answer = IDL.Variant({ ok: IDL.Tuple(IDL.Nat, IDL.Vec(IDL.Nat8), IDL.Text), err: IDL.Tuple(IDL.Text, IDL.Text) })
type Answer = { ok: [bigint, Uint8Array, string] } | { err: [string, string] }

const asked: { url: string; method: string; agent: string; from: string; body: string }[] = []

/** A page with headers that are never the same, as any server has them. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', method = '', headers } = request
  let body = ''
  for await (const part of request) body += String(part)
  asked.push({ url, method, agent: String(headers['user-agent']), from: String(headers['x-from']), body })
  if (url === '/moved') {
    response.statusCode = 302
    response.setHeader('location', 'http://169.254.169.254/')
  }
  response.setHeader('x-random', String(Math.random()))
  response.end(url === '/large' ? 'x'.repeat(5_000) : url === '/bytes' ? Uint8Array.of(0, 255, 254) : `hello ${body}`)
}

const server = createServer((request, response) => void serve(request, response))
let node: TestNode
let user: IcCaller
let canister: Uint8Array
let base: string

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  node = await TestNode.open({ port: 0, hosts: 1, effectsHttp: [base, 'https://localhost'] })
  user = await IcCaller.open(node.node.url)
  canister = await user.install(motoko(OUTCALLER))
})

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

async function fetched(url: string, more: { max?: bigint; body?: string } = {}): Promise<Answer> {
  const { max, body } = more
  const arg = IDL.encode(
    [IDL.Text, IDL.Opt(IDL.Nat64), IDL.Opt(IDL.Vec(IDL.Nat8))],
    [url, max === undefined ? [] : [max], body === undefined ? [] : [new TextEncoder().encode(body)]],
  )
  const { reply, error } = await user.call(canister, 'fetch', new Uint8Array(arg))
  if (reply === undefined) throw new Error(error)
  return IDL.decode([Answer], reply)[0] as unknown as Answer
}

const text = (answer: Answer): string => ('ok' in answer ? Buffer.from(answer.ok[1]).toString() : answer.err.join(': '))

describe('outcalls of a canister', () => {
  it('reach a server that the operator allows, and give what the transform makes of the answer', async () => {
    const answer = await fetched(`${base}/hello`)
    expect(answer).toEqual({ ok: [200n, new TextEncoder().encode('hello '), String.raw`("\63\74\78", true)`] })
    expect(asked.at(-1)).toEqual({ url: '/hello', method: 'GET', agent: 'ic/1.0', from: 'canister', body: '' })
    expect(text(await fetched(`${base}/post`, { body: 'there' }))).toBe('hello there')
    expect(await fetched(`${base}/bytes`)).toMatchObject({ ok: [200n, Uint8Array.of(0, 255, 254), expect.anything()] })
    expect(await fetched(`${base}/moved`)).toMatchObject({ ok: [302n, expect.anything(), expect.anything()] })
  })

  it('end where the answer is larger than was asked for', async () => {
    expect(text(await fetched(`${base}/large`, { max: 6_000n }))).toHaveLength(5_000)
    expect(text(await fetched(`${base}/large`, { max: 4_999n }))).toMatch(/^fatal: /)
    // The transform's own answer is Candid, which is larger than what it is made of.
    expect(text(await fetched(`${base}/large`, { max: 5_001n }))).toMatch(
      /^fatal: Transformed http response exceeds limit/,
    )
  })

  it('are refused for good where nobody may go', async () => {
    const count = asked.length
    for (const url of [
      'http://169.254.169.254/',
      'http://10.0.0.1/',
      `http://localhost:${new URL(base).port}/`,
      'https://example.com/',
      'https://localhost/',
    ]) {
      expect(text(await fetched(url))).toMatch(/^fatal: /)
    }
    for (const url of ['nothing', 'ftp://example.com/', 'file:///etc/passwd'])
      expect(text(await fetched(url))).toMatch(/^(fatal|reject): /)
    expect(asked).toHaveLength(count)
  })

  it('stand in the feed: evaluated again, they ask nobody', async () => {
    const count = asked.length
    const processes = await node.log.directory.processes({ limit: 10 })
    for (const { id } of processes)
      expect(await verifyProcess(await sourceFromLog(node.log, id)), principalText(canister)).toMatchObject({
        ok: true,
      })
    expect(asked).toHaveLength(count)
  })
})
