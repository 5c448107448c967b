import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProcessId, QueryMessage, Result } from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'

const COUNTER = fileURLToPath(
  new URL('../processes/agent/programs/counter.process.ts', import.meta.url),
)

const AGENT = tagsOf({ 'Module-Format': 'agent' })

const outputOf = (result: Result): unknown => JSON.parse(textOf(result.output))

let node: TestNode
let counter: ProcessId

const ask = (action: string, input?: unknown): Promise<Result> =>
  node.ask(counter, { Action: action }, input === undefined ? '' : JSON.stringify(input))

async function query(action: string): Promise<unknown> {
  const message: QueryMessage = {
    from: '',
    owner: '',
    id: '',
    tags: tagsOf({ Action: action }),
    data: new Uint8Array(0),
  }
  return JSON.parse(textOf((await node.node.computer.query(counter, message)).output))
}

beforeAll(async () => {
  node = await TestNode.open()
  const module = await node.addModule((await buildAgent(COUNTER)).bytes, AGENT)
  counter = await node.spawn(module)
}, 120_000)

afterAll(() => node[Symbol.asyncDispose]())

describe('an agent on a node', () => {
  it('is spawned, answers messages and queries', async () => {
    expect(outputOf(await node.result({ process: counter, slot: 0 }))).toEqual({})
    expect(outputOf(await ask('add', { by: 2 }))).toEqual({
      reply: 2,
      events: [{ name: 'changed', data: { total: 2 } }],
    })
    expect(await query('total')).toEqual({ reply: 2 })
    expect(await query('@state')).toEqual({ reply: { total: 2, notes: ['added 2'] } })
  })

  it('is as before after a message that throws, and says where in its own file', async () => {
    const failed = await ask('fail', { why: 'a test' })
    expect(failed.status).toBe('error')
    expect(failed.error).toEqual({
      code: 'refused',
      message: expect.stringMatching(/^refused: a test \(counter\.process\.ts:4:\d+\)$/),
    })
    expect(await query('total')).toEqual({ reply: 2 })
  })
})
