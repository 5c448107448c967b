import { asSchema, type ToolSet } from 'ai'
import { expect, test } from 'vitest'
import { Client, aiTools, ed25519Signer, generateEd25519Seed, inProcessTransport } from '../../sdk/index.ts'
import { MODULE } from '../conformance/client-under-test.ts'
import { Counter } from '../contract/counter.contract.ts'
import { counterProgram } from '../fakes/counter-program.ts'
import { fakeOperations } from '../fakes/fake-gateway.ts'
import { FakeUnits } from '../fakes/fake-units.ts'

test('a process is a set of tools: its queries, and the messages that are allowed', async () => {
  const units = new FakeUnits()
  units.program = counterProgram()
  const client = new Client({
    transport: inProcessTransport(fakeOperations(units)),
    signer: ed25519Signer(generateEd25519Seed()),
  })
  const hits = await client.spawn(Counter, { module: MODULE })
  expect(Object.keys(aiTools(hits))).toEqual(['total', 'above'])
  expect(Object.keys(aiTools(hits, { messages: 'all' }))).toEqual(['total', 'above', 'add', 'reset'])
  const tools = aiTools(hits, { messages: ['add', 'reset'] })
  expect(tools['add']).toMatchObject({ description: 'Adds to the total', inputSchema: Counter.messages.add.input })
  expect(await tools['add']?.execute({ by: 3 })).toBe(3)
  expect(await tools['reset']?.execute({})).toBe('done')
  await expect(tools['add']?.execute({ by: 0 })).rejects.toMatchObject({ code: 'bad-input' })
  await expect(tools['add']?.execute({ by: 1 }, { abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'aborted',
  })
  // What the AI SDK tells a model of a tool; it refuses those that do not tell it.
  const set: ToolSet = tools
  const jsonOf = (name: string) => asSchema(set[name]?.inputSchema).jsonSchema
  expect(await jsonOf('total')).toMatchObject({ type: 'object', properties: {} })
  expect(await jsonOf('reset')).toMatchObject({ type: 'object', properties: {} })
  expect(await jsonOf('add')).toMatchObject({ type: 'object', required: ['by'] })
  // @ts-expect-error there is no such message
  aiTools(hits, { messages: ['subtract'] })
})
