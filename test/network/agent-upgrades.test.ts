import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { type ModuleId, type ProcessId, toHex } from '../../protocol/index.ts'
import { Client, ed25519Signer, inProcessTransport } from '../../sdk/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { seedOf, tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'

const AGENT = tagsOf({ 'Module-Format': 'agent' })

let node: TestNode
let client: Client
let v1: ModuleId
let v2: ModuleId
let v3: ModuleId

async function add(name: string): Promise<ModuleId> {
  const file = fileURLToPath(new URL(`../processes/agent/programs/${name}.process.ts`, import.meta.url))
  return node.addModule((await buildAgent(file)).bytes, AGENT)
}

beforeAll(async () => {
  node = await TestNode.open()
  client = new Client({
    transport: inProcessTransport(node.node.operations),
    signer: ed25519Signer(seedOf(7)),
  })
  v1 = await add('tally')
  v2 = await add('tally-2')
  v3 = await add('tally-3')
})

afterAll(() => node[Symbol.asyncDispose]())

async function spawn(start: number): Promise<ProcessId> {
  const { id } = await client.spawn({ module: v1, data: JSON.stringify({ start }) })
  return id
}

async function send(process: string, action: string, input?: unknown): Promise<unknown> {
  const sent = await client.send({
    process,
    action,
    data: input === undefined ? '' : JSON.stringify(input),
  })
  const result = await sent.result()
  return result.status === 'ok' ? JSON.parse(textOf(result.output)) : result.error
}

const total = async (process: string, at?: number): Promise<unknown> =>
  JSON.parse(textOf((await client.query({ process, action: 'total', at })).output))

describe('an agent', () => {
  it('is upgraded with its state migrated, and goes back', async () => {
    const process = await spawn(10)
    await send(process, 'add', { by: 5 })
    const check = await client.processes.checkUpgrade(process, { module: v2, replay: 10 })
    expect(check).toMatchObject({ ok: true, replayed: 1, differences: [] })
    expect(check.migrated).toContainEqual({ path: ['state', 'count'], after: 15 })
    const { result } = await client.processes.upgrade(process, { module: v2 })
    expect(result).toMatchObject({ status: 'ok' })
    expect(await send(process, 'add', { by: 1 })).toMatchObject({ reply: 16 })
    const { document, module } = await client.processes.stateAt(process)
    expect([document['state'], module]).toEqual([{ count: 16, last: client.address }, v2])
    expect((await client.processes.stateAt(process, { at: 1 })).document['state']).toEqual({
      total: 15,
    })
    expect(await total(process, 1)).toEqual({ reply: 15 })
    await client.processes.rollback(process)
    expect(await send(process, 'add', { by: 0 })).toMatchObject({ reply: 15 })
    const report = await verifyProcess(await sourceFromLog(node.log, process), { steps: true })
    expect(report).toMatchObject({ ok: true, slots: 6 })
    expect(new Set(report.steps.map(({ stateRoot }) => toHex(stateRoot))).size).toBe(6)
  })

  it('whose state the new program cannot take stays what it was', async () => {
    const process = await spawn(11)
    const check = await client.processes.checkUpgrade(process, { module: v3 })
    expect(check).toMatchObject({ ok: false, error: { code: 'bad-state' } })
    expect(check.error?.message).toContain('count')
    const { result } = await client.processes.upgrade(process, { module: v3 })
    expect(result).toMatchObject({ status: 'error', error: { code: 'bad-state' } })
    expect(await send(process, 'add', { by: 1 })).toMatchObject({ reply: 12 })
    const fits = await spawn(3)
    expect((await client.processes.upgrade(fits, { module: v3 })).result.status).toBe('ok')
    expect(await send(fits, 'add', { by: 1 })).toMatchObject({ reply: 4 })
  })

  it('has its open calls waited for, or rejected', async () => {
    const process = await spawn(0)
    const slow = await client.send({ process, action: 'slowly' })
    expect(JSON.parse(textOf((await slow.result()).output))).toEqual({ pending: true })
    const waited = await client.processes.upgrade(process, { module: v2 }, { timeoutMs: 8_000 })
    expect(waited).toMatchObject({ result: { status: 'error', error: { code: 'pending-calls' } } })
    const { result } = await client.processes.upgrade(process, { module: v2, pending: 'reject' })
    expect(JSON.parse(textOf(result.output))).toMatchObject({
      settled: [{ message: slow.id, error: { code: 'upgraded' } }],
    })
    expect(await send(process, 'add', { by: 1 })).toMatchObject({ reply: 1 })
  })

  it('keeps its schedules, but for those that were cancelled', async () => {
    const process = await spawn(0)
    await send(process, 'everyMinute')
    const [timer] = await client.processes.timers(process)
    expect(timer).toMatchObject({ name: 'schedule/minute', everyMs: 60_000 })
    await client.processes.upgrade(process, { module: v2 })
    expect(await client.processes.timers(process)).toEqual([timer])
    await client.processes.runTimer(process, 'schedule/minute')
    await expect.poll(async () => total(process), { timeout: 60_000 }).toEqual({ reply: 1 })
    await client.processes.cancelTimer(process, 'schedule/minute')
    const { document } = await client.processes.stateAt(process)
    expect(document).toMatchObject({ schedules: [], state: { count: 1 } })
  })

  it('is forked as of a slot, and the fork lives by itself', async () => {
    const process = await spawn(5)
    await send(process, 'add', { by: 5 })
    await client.processes.upgrade(process, { module: v2 })
    await send(process, 'add', { by: 90 })
    const late = await client.processes.fork(process, { name: 'late' })
    const early = await client.processes.fork(process, { at: 1 })
    expect([await total(late.id), await total(early.id)]).toEqual([{ reply: 100 }, { reply: 10 }])
    expect(await send(early.id, 'add', { by: 1 })).toMatchObject({ reply: 11 })
    expect(await total(process)).toEqual({ reply: 100 })
    expect((await verifyProcess(await sourceFromLog(node.log, late.id))).ok).toBe(true)
  })
})
