import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { llmGenerate } from '../../messenger-unit/index.ts'

/** The effect, with a model that answers so. */
async function generate(answer: (response: ServerResponse, request: IncomingMessage) => void, input: object = {}) {
  const server = createServer((request, response) => answer(response, request))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const model = llmGenerate({ url: `http://127.0.0.1:${port}/v1`, model: 'm', key: 'sk-secret' })
  return model({ prompt: 'hi', ...input }, { key: 'k', signal: new AbortController().signal } as never)
}

const outputFor = (message: object): Promise<unknown> =>
  generate(response => response.end(JSON.stringify({ model: 'm', choices: [{ finish_reason: 'stop', message }] })))

it('a call of a tool without arguments is one, also from servers that write nothing for none', async () => {
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'list', arguments: '' } }]
  expect(await outputFor({ content: null, tool_calls })).toMatchObject({
    toolCalls: [{ id: 'c1', name: 'list', arguments: {} }],
  })
})

it('what a model refuses is its text', async () => {
  expect(await outputFor({ content: null, refusal: 'not that' })).toMatchObject({ text: 'not that' })
})

it.each([
  ['{"hello":1}', 'nothing that is a chat completion'],
  ['[1,2]', 'nothing that is a chat completion'],
  ['{"choices":[]}', 'nothing that is a chat completion'],
  ['data: {"choices":[{"delta":{"content":"streamed"}}]}', 'nothing that is a chat completion'],
  ['{"error":{"message":"the model is loading","code":503}}', 'the model is loading'],
])('what is no completion is not an empty text: %s', async (body, said) => {
  await expect(generate(response => response.end(body))).rejects.toMatchObject({
    code: 'effect-failed',
    passing: false,
    message: `the model answered 200: ${said}`,
  })
})

it('a key that a server repeats is not told to the process', async () => {
  const repeat = (response: ServerResponse, { headers }: IncomingMessage): void =>
    void response.writeHead(401).end(JSON.stringify({ error: { message: `no such key: ${headers.authorization}` } }))
  await expect(generate(repeat)).rejects.toMatchObject({
    message: 'the model answered 401: no such key: Bearer (the key)',
  })
})

it('an answer that stops half way has not come in time, and one that breaks off may come when asked again', async () => {
  await expect(generate(response => void response.write('{"cho'), { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'effect-timeout',
  })
  const cut = (response: ServerResponse): void => void response.write('{"cho', () => void response.destroy())
  await expect(generate(cut)).rejects.toMatchObject({ code: 'effect-failed', passing: true })
})

it('a server that asks to be left alone for a while says for how long', async () => {
  const busy = (retryAfter: string) =>
    generate(response => response.writeHead(429, { 'retry-after': retryAfter }).end('slow down'))
  await expect(busy('7')).rejects.toMatchObject({ passing: true, afterMs: 7000 })
  await expect(busy('Thu, 01 Jan 1970 00:00:00 GMT')).rejects.toMatchObject({ passing: true, afterMs: 0 })
  await expect(busy('soon')).rejects.toMatchObject({ passing: true, afterMs: 0 })
})
