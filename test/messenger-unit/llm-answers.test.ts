import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { llmGenerate } from '../../messenger-unit/index.ts'

/** What the effect makes of a message of a model. */
async function outputFor(message: object): Promise<unknown> {
  const server = createServer((_, response) => {
    response.end(JSON.stringify({ model: 'm', choices: [{ finish_reason: 'stop', message }] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const model = llmGenerate({ url: `http://127.0.0.1:${port}/v1`, model: 'm' })
  return model({ prompt: 'hi' }, { key: 'k', signal: new AbortController().signal } as never)
}

it('a call of a tool without arguments is one, also from servers that write nothing for none', async () => {
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'list', arguments: '' } }]
  expect(await outputFor({ content: null, tool_calls })).toMatchObject({
    toolCalls: [{ id: 'c1', name: 'list', arguments: {} }],
  })
})

it('what a model refuses is its text', async () => {
  expect(await outputFor({ content: null, refusal: 'not that' })).toMatchObject({ text: 'not that' })
})
