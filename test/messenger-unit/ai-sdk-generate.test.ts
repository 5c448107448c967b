import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import * as ai from 'ai'
import { expect, it, onTestFinished } from 'vitest'
import { aiSdkGenerate } from '../../messenger-unit/index.ts'

interface Asked {
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: { readonly messages: readonly object[] } & Readonly<Record<string, unknown>>
}

const KEY = 'sk-secret'

/** The effect, by a provider of the AI SDK whose server answers so. */
async function model(answer: (response: ServerResponse) => void) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Uint8Array>)).toString()
    asked.push({ headers: request.headers, body: JSON.parse(text) as Asked['body'] })
    answer(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const provider = createOpenAICompatible({ name: 'local', baseURL, apiKey: KEY })
  const effect = aiSdkGenerate(ai, { models: [provider('m'), provider('n')], maxTokens: 100 })
  const generate = (input: object): Promise<unknown> =>
    effect(input, { key: 'k9', signal: new AbortController().signal } as never)
  return { asked, generate }
}

const completed =
  (message: object, finish_reason = 'stop') =>
  (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        id: 'x',
        object: 'chat.completion',
        created: 1,
        model: 'm-1',
        choices: [{ index: 0, finish_reason, message: { role: 'assistant', content: null, ...message } }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      }),
    )

it('a model of the AI SDK is asked what the process asks, within what is offered', async () => {
  const { asked, generate } = await model(completed({ content: 'hello' }))
  expect(await generate({ prompt: 'hi', system: 's', maxTokens: 5000, temperature: 0.5 })).toEqual({
    text: 'hello',
    model: 'm-1',
    finishReason: 'stop',
    usage: { inputTokens: 3, outputTokens: 2 },
  })
  expect(asked[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'idempotency-key': 'k9' })
  expect(asked[0]?.body).toMatchObject({
    model: 'm',
    max_tokens: 100,
    temperature: 0.5,
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: 'hi' },
    ],
  })
  await generate({ prompt: 'hi', model: 'n' })
  expect(asked[1]?.body['model']).toBe('n')
  await expect(generate({ prompt: 'hi', model: 'o' })).rejects.toMatchObject({ code: 'effect-forbidden' })
  await expect(generate({})).rejects.toMatchObject({ code: 'effect-bad-input' })
})

it('tools are named to it and left to the process, and what came of them is told to it', async () => {
  const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }
  const { asked, generate } = await model(completed({ tool_calls: [call] }, 'tool_calls'))
  const parameters = { type: 'object', properties: { a: { type: 'number' } } }
  const tools = [{ name: 'add', description: 'Adds', parameters }]
  expect(await generate({ prompt: 'hi', tools })).toMatchObject({
    toolCalls: [{ id: 'c1', name: 'add', arguments: { a: 1 } }],
  })
  expect(asked[0]?.body['tools']).toMatchObject([
    { type: 'function', function: { name: 'add', description: 'Adds', parameters } },
  ])
  await generate({
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'add', arguments: { a: 1 } }] },
      { role: 'tool', toolCallId: 'c1', content: 'one' },
      { role: 'system', content: 'be short' },
    ],
    tools,
  })
  expect(asked[1]?.body.messages).toMatchObject([
    { role: 'user', content: 'hi' },
    { role: 'assistant', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c1', content: 'one' },
    { role: 'system', content: 'be short' },
  ])
})

it('a call of a tool with what is no JSON is given to the process as text', async () => {
  const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a": one}' } }
  const { generate } = await model(completed({ tool_calls: [call] }, 'tool_calls'))
  const tools = [{ name: 'add', parameters: { type: 'object' } }]
  expect(await generate({ prompt: 'hi', tools })).toMatchObject({
    toolCalls: [{ id: 'c1', name: 'add', arguments: '{"a": one}' }],
  })
})

it('JSON is asked for in the words of the model, and is the text', async () => {
  const { asked, generate } = await model(completed({ content: '{"a":1}' }))
  expect(await generate({ prompt: 'hi', json: true })).toMatchObject({ text: '{"a":1}' })
  expect(asked[0]?.body['response_format']).toEqual({ type: 'json_object' })
})

it.each([
  [429, { passing: true, afterMs: 7000, message: 'the model answered 429' }],
  [500, { passing: true, message: 'the model answered 500' }],
  [401, { passing: false, message: 'the model answered 401' }],
])('what its server refuses is told without the words of the server: %i', async (status, failure) => {
  const { asked, generate } = await model(response =>
    response.writeHead(status, { 'retry-after': '7' }).end(`{"error":{"message":"no such key: ${KEY}"}}`),
  )
  await expect(generate({ prompt: 'hi' })).rejects.toMatchObject({ code: 'effect-failed', ...failure })
  expect(asked).toHaveLength(1)
})

it.each(['garbage', '{"hello":1}', '{"choices":[]}'])('what is no answer is a failure: %s', async body => {
  const { generate } = await model(response => response.end(body))
  await expect(generate({ prompt: 'hi' })).rejects.toMatchObject({
    code: 'effect-failed',
    message: 'the model gave no answer that can be used',
  })
})

it('who gives no answer, or half of one, has given none in time', async () => {
  const silent = await model(() => undefined)
  const halting = await model(response => void response.write('{"cho'))
  for (const { generate } of [silent, halting])
    await expect(generate({ prompt: 'hi', timeoutMs: 200 })).rejects.toMatchObject({ code: 'effect-timeout' })
})
