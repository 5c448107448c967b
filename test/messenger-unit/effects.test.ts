import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  asProcessId,
  decodeFrame,
  EffectFailed,
  type Effects,
  findTag,
  messagesFeed,
  parseDataItem,
  type ProcessId,
  toUtf8,
  type TraceNode,
} from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { crashed, TestNode } from '../fakes/test-node.ts'
import { actorText, wat } from '../processes/actor/sample-actor.ts'

/** Sends what a message carries, if that begins with the length of an id; takes everything else as it comes. */
const ASKER = actorText(`
  (local $at i32)
  (local.set $at (i32.add (i32.const 4096) (i32.load (i32.const 4160))))
  (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 43))
    (then (call $send (local.get $at) (i32.sub (i32.add (i32.const 4096) (local.get $length)) (local.get $at)))))`)

/** An outgoing message as an actor hands it to its host. */
function outgoing(to: string, tags: Readonly<Record<string, string>>, data: string): Uint8Array {
  const parts: Uint8Array[] = []
  const word = (value: number): void => void parts.push(new Uint8Array(new Uint32Array([value]).buffer))
  const pairs = Object.entries(tags).map(([name, value]) => [toUtf8(name), toUtf8(value)] as const)
  const size = pairs.reduce((sum, [name, value]) => sum + 8 + name.length + value.length, 0)
  for (const value of [to.length, pairs.length, size, toUtf8(data).length, 0xffff_ffff]) word(value)
  parts.push(toUtf8(to))
  for (const [name, value] of pairs) {
    word(name.length)
    word(value.length)
    parts.push(name, value)
  }
  parts.push(toUtf8(data))
  return Buffer.concat(parts)
}

let reference = 0
function ask(
  node: TestNode,
  process: ProcessId,
  name: string,
  input: unknown,
  tags: Readonly<Record<string, string>> = {},
) {
  reference += 1
  const all = { Action: 'Effect', Effect: name, Reference: String(reference), ...tags }
  return node.send(process, { Action: 'Ask' }, outgoing(node.node.key, all, JSON.stringify(input)))
}

/** What the process was told of an effect, once it has been. */
async function told(
  node: TestNode,
  id: string,
): Promise<{ action: string; reference: string; json: unknown; from: string }> {
  const { root } = await node.node.messenger.trace(id as never, { settled: true })
  const outcome: TraceNode | undefined = root.children[0]?.children[0]
  if (outcome?.slot === undefined) throw new TypeError('expected an outcome')
  const description = await node.log.directory.process(outcome.process)
  if (description === undefined) throw new TypeError('expected a process')
  const blocks = await Array.fromAsync(node.log.blocks(messagesFeed(description), 0))
  const envelope = blocks.flatMap(bytes => decodeFrame(bytes).assignments)[outcome.slot]?.envelope
  if (envelope?.kind !== 'item') throw new TypeError('expected an item')
  const { tags, data, ownerAddress } = parseDataItem(envelope.item)
  const json: unknown = JSON.parse(Buffer.from(data).toString())
  return {
    action: findTag(tags, 'Action') ?? '',
    reference: findTag(tags, 'X-Reference') ?? '',
    json,
    from: ownerAddress,
  }
}

async function asker(effects: Effects, more: object = {}): Promise<{ node: TestNode; process: ProcessId }> {
  const node = await TestNode.open({ effects, ...more })
  const module = await node.addModule(await wat(ASKER), tagsOf({ 'Module-Format': 'actor' }))
  return { node, process: await node.spawn(module) }
}

describe('an effect', { timeout: 180_000 }, () => {
  it('is performed once, and its outcome stands in the feed as a message signed by the unit', async () => {
    const calls: unknown[] = []
    const { node, process } = await asker({
      double: async (input, { key, owner, process: by }) => {
        calls.push({ input, key, owner, by })
        return { twice: (input as { n: number }).n * 2 }
      },
    })
    await using _ = node
    const sent = await ask(node, process, 'double', { n: 21 }, { 'Effect-Key': 'once' })
    const outcome = await told(node, sent.id)
    expect(outcome).toMatchObject({ action: 'Reply', reference: String(reference), json: { twice: 42 } })
    const { root } = await node.node.messenger.trace(sent.id)
    expect(root.children[0]).toMatchObject({ label: 'effect double', status: 'external' })
    expect(root.children[0]?.children[0]).toMatchObject({ label: 'Reply', status: 'ok' })
    const owner = (await node.log.directory.process(process))?.owner
    expect(calls).toEqual([{ input: { n: 21 }, key: 'once', owner, by: process }])
    for (let i = 0; i < 3; i++) await node.node.messenger.resume()
    await ask(node, process, 'double', { n: 1 }).then(({ id }) => told(node, id))
    expect(calls).toHaveLength(2)
  })

  it('that fails is told as an error, with a code: unknown, of the wrong shape, thrown, a bug', async () => {
    const { node, process } = await asker({
      refuse: async () => {
        throw new EffectFailed('effect-forbidden', 'not today')
      },
      bug: async () => {
        throw new TypeError('a secret of the node')
      },
    })
    await using _ = node
    const codes: unknown[] = []
    for (const name of ['nothing', 'refuse', 'bug', '__proto__', 'toString']) {
      const { action, json } = await told(node, (await ask(node, process, name, {})).id)
      codes.push([action, (json as { code: string }).code])
      expect(JSON.stringify(json)).not.toContain('secret')
    }
    expect(codes).toEqual([
      ['Error', 'effect-unknown'],
      ['Error', 'effect-forbidden'],
      ['Error', 'effect-failed'],
      ['Error', 'effect-unknown'],
      ['Error', 'effect-unknown'],
    ])
    expect(node.troubles.join()).toContain('secret')
  })

  it('is tried again while what fails may pass, and no longer', async () => {
    let tries = 0
    const { node, process } = await asker({
      flaky: async () => {
        tries += 1
        if (tries < 3) throw new EffectFailed('effect-failed', 'not yet', { passing: true })
        return tries
      },
      broken: async () => {
        tries += 1
        throw new EffectFailed('effect-failed', 'never', { passing: true })
      },
    })
    await using _ = node
    expect((await told(node, (await ask(node, process, 'flaky', {})).id)).json).toBe(3)
    tries = 0
    expect((await told(node, (await ask(node, process, 'broken', {})).id)).action).toBe('Error')
    expect(tries).toBe(3)
  })

  it('that was under way when the node died is performed after the restart, and told once', async () => {
    let performed = 0
    const never = new Promise<never>(() => undefined)
    const { node, process } = await asker({
      slow: () => {
        performed += 1
        return never
      },
    })
    const sent = await ask(node, process, 'slow', {})
    await node.result(sent)
    while (performed === 0) await new Promise(resolve => setTimeout(resolve, 5))
    const log = await crashed(node.log)
    await node.node[Symbol.asyncDispose]()
    await using again = await TestNode.open({ log, data: node.data, effects: { slow: async () => 'done' } })
    expect((await told(again, sent.id)).json).toBe('done')
    await again.node.messenger.resume()
    const description = await again.log.directory.process(process)
    if (description === undefined) throw new TypeError('expected a process')
    expect(await again.node.computer.evaluated(process)).toBe(3)
  })

  it('is what says so: another message to the unit goes nowhere, and its tree is settled', async () => {
    const { node, process } = await asker({})
    await using _ = node
    const sent = await node.send(process, { Action: 'Ask' }, outgoing(node.node.key, { Action: 'Hello' }, ''))
    const { root, settled } = await node.node.messenger.trace(sent.id, { settled: true })
    expect([settled, root.children[0]?.status]).toEqual([true, 'external'])
  })

  it('is performed only for those the operator names', async () => {
    const { node, process } = await asker({ any: async () => 1 }, { effectsFor: ['somebody-else'] })
    await using _ = node
    expect((await told(node, (await ask(node, process, 'any', {})).id)).json).toMatchObject({
      code: 'effect-forbidden',
    })
  })

  it('of one process does not hold up those of others', async () => {
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    let waiting = 0
    const { node, process } = await asker({
      wait: async () => {
        waiting += 1
        await gate
        return 'waited'
      },
      quick: async () => 'quick',
    })
    await using _ = node
    const slow = await Promise.all(Array.from({ length: 40 }, () => ask(node, process, 'wait', {})))
    const module = (await node.log.directory.process(process))?.module
    if (module === undefined) throw new TypeError('expected a module')
    const other = await node.spawn(module)
    expect((await told(node, (await ask(node, other, 'quick', {})).id)).json).toBe('quick')
    expect(waiting).toBe(16)
    open()
    for (const { id } of slow) expect((await told(node, id)).json).toBe('waited')
  })
})

const CALL = { process: asProcessId(fakeId(1)), owner: fakeId(2), key: 'k', signal: new AbortController().signal }

describe('http.fetch and llm.generate', { timeout: 180_000 }, () => {
  let server: Server
  let port: number
  let seen: { method: string | undefined; url: string | undefined; headers: Record<string, unknown>; body: string }[] =
    []
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method, url, headers } = request
        seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
        if (url === '/moved') response.writeHead(302, { location: 'http://10.0.0.1/' }).end()
        else if (url === '/headers') response.writeHead(200, { 'x-big': 'x'.repeat(100_000) }).end()
        else if (url === '/strange') response.socket?.end('strange\r\n\r\n')
        else if (url === '/big') response.end('x'.repeat(3_000_000))
        else if (url === '/bytes') response.end(Buffer.from([0xff, 0xfe]))
        else if (url === '/refuses/v1/chat/completions')
          response.writeHead(401).end('{"error":{"message":"no such key","code":null}}')
        else if (url === '/thinks/v1/chat/completions' && Buffer.concat(chunks).includes('"max_tokens"'))
          response.writeHead(400).end('{"error":{"message":"Use \'max_completion_tokens\' instead."}}')
        else if (url?.endsWith('/v1/chat/completions')) {
          const given = url.startsWith('/mumbles') ? '{"a": one}' : '{"a":1}'
          const choice = {
            finish_reason: 'stop',
            message: { content: 'hello', tool_calls: [{ id: 'c1', function: { name: 'add', arguments: given } }] },
          }
          response.end(
            JSON.stringify({ model: 'm', choices: [choice], usage: { prompt_tokens: 3, completion_tokens: 1 } }),
          )
        } else response.end('plain')
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  beforeEach(() => {
    seen = []
  })
  afterAll(() => void server.close())

  it('reach what the operator allows: text, bytes, a body with the key of the effect, redirects given back', async () => {
    const base = `http://127.0.0.1:${port}`
    // An entry for all is no reason to refuse what another names.
    const { node, process } = await asker({}, { effectsHttp: [`http://*:${port}`, base] })
    await using _ = node
    const fetched = async (input: object) =>
      (await told(node, (await ask(node, process, 'http.fetch', input, { 'Effect-Key': 'k9' })).id)).json
    expect(await fetched({ url: `${base}/` })).toMatchObject({ status: 200, body: 'plain' })
    expect(await fetched({ url: `${base}/bytes` })).toMatchObject({ bodyBase64: '//4=' })
    expect(await fetched({ url: `${base}/moved` })).toMatchObject({
      status: 302,
      headers: { location: 'http://10.0.0.1/' },
    })
    expect(await fetched({ url: `${base}/big` })).toMatchObject({ code: 'effect-too-large' })
    expect(node.troubles.join()).toMatch(
      new RegExp(
        `an effect failed .*"http.fetch","process":"${process}","code":"effect-too-large","host":"127.0.0.1:${port}"`,
      ),
    )
    expect(await fetched({ url: `${base}/headers` })).toEqual({
      code: 'effect-too-large',
      message: 'the answer has headers of more than 16384 bytes',
    })
    expect(seen.filter(({ url }) => url === '/headers')).toHaveLength(1)
    expect(await fetched({ url: `${base}/strange` })).toEqual({
      code: 'effect-failed',
      message: 'the answer is no HTTP',
    })
    expect(await fetched({ url: `${base}/p`, method: 'POST', body: 'née', headers: { 'X-A': 'b' } })).toMatchObject({
      status: 200,
    })
    const posted = seen.find(({ method }) => method === 'POST')
    expect(posted).toMatchObject({
      url: '/p',
      body: 'née',
      headers: { 'x-a': 'b', 'idempotency-key': 'k9', host: `127.0.0.1:${port}` },
    })
    expect(seen.find(({ method }) => method === 'GET')?.headers).not.toHaveProperty('idempotency-key')
    expect(await fetched({ url: `${base}/`, headers: { Host: 'evil' } })).toMatchObject({ code: 'effect-bad-input' })
    expect(await fetched({ url: `${base}/`, headers: { 'X-A': 'a\r\nEvil: 1' } })).toMatchObject({
      code: 'effect-bad-input',
    })
    expect(await fetched({ url: `http://u:p@127.0.0.1:${port}/` })).toMatchObject({ code: 'effect-bad-input' })
    expect(await fetched({ url: `${base}/`, surprise: 1 })).toMatchObject({ code: 'effect-bad-input' })
    expect(await fetched({ url: `http://127.0.0.1:${port + 1}/` })).toMatchObject({ code: 'effect-forbidden' })
  })

  it('ask the model the operator chose, with a key no process sees', async () => {
    const { llmGenerate } = await import('../../messenger-unit/index.ts')
    const model = llmGenerate({ url: `http://127.0.0.1:${port}/v1`, key: 'hush', model: 'm', maxTokens: 100 })
    const { node, process } = await asker({ 'llm.generate': model })
    await using _ = node
    const generated = async (input: object) =>
      (await told(node, (await ask(node, process, 'llm.generate', input)).id)).json
    const tools = [{ name: 'add', parameters: { type: 'object' } }]
    const answer = await generated({ prompt: 'hi', system: 's', tools, maxTokens: 5000 })
    expect(answer).toEqual({
      text: 'hello',
      toolCalls: [{ id: 'c1', name: 'add', arguments: { a: 1 } }],
      model: 'm',
      finishReason: 'stop',
      usage: { inputTokens: 3, outputTokens: 1 },
    })
    expect(seen[0]?.headers['authorization']).toBe('Bearer hush')
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      model: 'm',
      max_tokens: 100,
      tools: [{ type: 'function', function: tools[0] }],
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'hi' },
      ],
    })
    expect(await generated({ prompt: 'hi', model: 'other' })).toMatchObject({ code: 'effect-forbidden' })
    expect(await generated({})).toMatchObject({ code: 'effect-bad-input' })
    expect(await generated({ prompt: 'a', messages: [] })).toMatchObject({ code: 'effect-bad-input' })
  })

  it('bound the answer in the words that the model takes, and learn them', async () => {
    const { llmGenerate } = await import('../../messenger-unit/index.ts')
    const effect = llmGenerate({ url: `http://127.0.0.1:${port}/thinks/v1`, model: 'm', maxTokens: 100 })
    await effect({ prompt: 'hi' }, CALL)
    await effect({ prompt: 'hi' }, CALL)
    expect(seen.map(({ body }) => Object.keys(JSON.parse(body)).filter(name => name.startsWith('max_')))).toEqual([
      ['max_tokens'],
      ['max_completion_tokens'],
      ['max_completion_tokens'],
    ])
  })

  it('give a process what a model calls a tool with though it is no JSON, and what a server says is wrong', async () => {
    const { llmGenerate } = await import('../../messenger-unit/index.ts')
    const at = (path: string) =>
      llmGenerate({ url: `http://127.0.0.1:${port}/${path}`, model: 'm' })({ prompt: 'hi' }, CALL)
    expect(await at('mumbles/v1')).toMatchObject({ toolCalls: [{ id: 'c1', name: 'add', arguments: '{"a": one}' }] })
    await expect(at('refuses/v1')).rejects.toThrow('the model answered 401: no such key')
  })
})
