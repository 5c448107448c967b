import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import * as ai from 'ai'
import { expect, onTestFinished, test } from 'vitest'
import { aiSdkGenerate, httpFetch, llmGenerate } from '../../messenger-unit/index.ts'
import { asProcessId, type Effect, EffectFailed } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

/** A server that refuses whoever asks. */
async function refusing(): Promise<string> {
  const server = createServer((_, response) => void response.writeHead(401).end('{"error":{"message":"no"}}'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Where an effect says that it goes, and how it ends. */
async function ending(effect: Effect, input: object) {
  const hosts: string[] = []
  const call = { process: asProcessId(fakeId(1)), owner: '', key: 'k', signal: new AbortController().signal }
  const ended = await effect(input, { ...call, reaching: host => hosts.push(host) }).catch((error: unknown) => error)
  return { hosts, status: ended instanceof EffectFailed ? ended.status : undefined }
}

const llm = (host: string) => llmGenerate({ url: `http://${host}/v1?key=secret`, key: 'hush', model: 'm' })
const models = (host: string) => {
  const provider = createOpenAICompatible({ name: 'local', baseURL: `http://${host}/v1`, apiKey: 'hush' })
  return aiSdkGenerate(ai, { models: [provider('m')] })
}

test.each([
  ['llm.generate', llm],
  ['llm.generate of the AI SDK', models],
])('%s tells whom it asks, and what that answered', async (_, effectOf) => {
  const host = await refusing()
  expect(await ending(effectOf(host), { prompt: 'hi' })).toEqual({ hosts: [host], status: 401 })
})

test('http.fetch tells the host alone, also of one that it may not reach', async () => {
  const asked = { url: 'https://user:secret@API.example:8443/path?token=secret#part' }
  expect(await ending(httpFetch({ allow: [] }), asked)).toMatchObject({ hosts: ['api.example:8443'] })
})
