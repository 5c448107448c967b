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

const ask = async (
  node: TestNode,
  to: ProcessId,
  action: string,
  input?: unknown,
): Promise<Result> => node.result(await send(node, to, action, input))

async function query(node: TestNode, process: ProcessId, action: string): Promise<unknown> {
  const tags = tagsOf({ Action: action })
  const message: QueryMessage = { from: '', owner: '', id: '', tags, data: new Uint8Array(0) }
  return Reflect.get(
    JSON.parse(textOf((await node.node.computer.query(process, message)).output)) as object,
    'reply',
  )
}

/** The output in which a message that went on has its end; in slots behind its own. */
async function settledOf(node: TestNode, { process, slot, id }: Receipt): Promise<unknown> {
  await node.node.messenger.trace(id, { settled: true })
  for await (const result of node.node.computer.results(
    process,
    slot,
    await node.node.computer.evaluated(process),
  )) {
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
}, 120_000)

afterAll(() => node[Symbol.asyncDispose]())

describe('an agent on a node', { timeout: 60_000 }, () => {
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

describe('an upgrade of an agent', { timeout: 60_000 }, () => {
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

describe('an agent that waits', { timeout: 60_000 }, () => {
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
        { timeout: 20_000 },
      )
      .toBe(6)
    clock.advance(3_600_000)
    await settle()
    expect(await settledOf(again, asked)).toEqual({ message: asked.id, reply: 6 })
    expect(await query(again, counter, 'total')).toBe(6)
  })
})
