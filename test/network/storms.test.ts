import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { DEPTH_MAX, type ModuleId, OUTBOX_MAX, type ProcessId, toHex, type TraceNode } from '../../protocol/index.ts'
import { TestNode } from '../fakes/test-node.ts'

let node: TestNode
let relay: ModuleId

beforeAll(async () => {
  node = await TestNode.open()
  relay = await node.addStandard('relay')
})

afterAll(() => node[Symbol.asyncDispose]())

/** All nodes of a tree, without recursion: trees are deep here. */
function nodesOf(root: TraceNode): TraceNode[] {
  const found: TraceNode[] = []
  const waiting = [root]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    found.push(one)
    waiting.push(...one.children)
  }
  return found
}

async function rootsOf(process: ProcessId): Promise<string> {
  const report = await verifyProcess(await sourceFromLog(node.log, process))
  expect(report.ok).toBe(true)
  return `${report.slots} ${report.gas} ${toHex(report.stateRoot)}`
}

describe('a storm ends by itself', () => {
  it('of two processes that answer each other for ever: at the bound of depth, on every replay', async () => {
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    const { id } = await node.send(a, { Action: 'Start', Peer: b })
    const trace = await node.node.messenger.trace(id, { settled: true, timeoutMs: 50_000 })
    expect(trace).toMatchObject({ settled: true, truncated: false })
    const nodes = nodesOf(trace.root)
    // The user message has depth 0, and each answer is one deeper.
    expect(nodes).toHaveLength(DEPTH_MAX + 1)
    expect(nodes.every(({ status }) => status === 'ok')).toBe(true)
    const last = nodes.at(-1)
    if (last?.slot === undefined) throw new TypeError('expected a slot')
    const { outbox, dropped } = await node.result({ process: last.process, slot: last.slot })
    expect([outbox.length, dropped.length]).toEqual([0, 1])
    for (const process of [a, b]) {
      const first = await rootsOf(process)
      expect(await rootsOf(process)).toBe(first)
      const [slots] = first.split(' ')
      expect(Number(slots)).toBe(await node.node.computer.evaluated(process))
    }
    expect((await node.node.computer.evaluated(a)) + (await node.node.computer.evaluated(b))).toBe(DEPTH_MAX + 3)
  })

  it('of more messages than an outbox holds: the slot fails and nothing is sent', async () => {
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    expect(await node.ask(a, { Action: 'Fan-Out', Peer: b, Count: String(OUTBOX_MAX + 1) })).toMatchObject({
      status: 'error',
      outbox: [],
      error: { code: 'outbox-limit' },
    })
    const { id } = await node.send(a, { Action: 'Fan-Out', Peer: b, Count: String(OUTBOX_MAX) })
    const trace = await node.node.messenger.trace(id, { settled: true, timeoutMs: 50_000 })
    expect(nodesOf(trace.root)).toHaveLength(OUTBOX_MAX + 1)
    expect(await node.node.computer.evaluated(b)).toBe(OUTBOX_MAX + 1)
  })

  it('of messages that share ever less fuel: they are dropped when none is left, and the result says so', async () => {
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    const receipt = await node.send(a, { Action: 'Fan-Out', Peer: b, Count: '200' })
    const { outbox } = await node.result(receipt)
    const fuel = outbox.map(({ core }) => core.fuel)
    expect(new Set(fuel).size).toBe(1)
    expect((fuel[0] ?? 0n) * 200n).toBeLessThanOrEqual(1_000_000_000_000n)
  })
})
