import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import expected from '../../../processes/agent/engine-hash.json' with { type: 'json' }
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentModule, encodeAgentModule } from '../../../protocol/index.ts'
import { fakeModule } from '../../fakes/guest-context.ts'
import { AgentDriver, request, spawnMessage } from './agent-driver.ts'

it('is the engine that the protocol names', () => {
  const text = readFileSync(new URL('../../../docs/protocol/agent.md', import.meta.url), 'utf8')
  expect(text).toContain(expected.sha256)
})

it('is the same, whatever was compiled before by the program that makes it', async () => {
  const processes = new URL('../../../processes/', import.meta.url)
  // As in a clone where none was made yet.
  const clone = await mkdtemp(fileURLToPath(new URL('../.cache/engine-', processes)))
  for (const file of [
    'build-files.mjs',
    'agent/build-engine.mjs',
    'agent/optimize-engine.mjs',
    'agent/engine-hash.json',
  ])
    await cp(new URL(file, processes), join(clone, file))
  const script = `
    import binaryen from 'binaryen'
    import { buildAgentEngine } from './agent/build-engine.mjs'
    binaryen.setLowMemoryUnused(true)
    console.log(await buildAgentEngine('.'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: clone,
    encoding: 'utf8',
  })
  await rm(clone, { recursive: true })
  expect([stdout, stderr]).toEqual(['built\n', ''])
})

const PROMISED = { name: 'small', version: '1', args: {}, state: {}, messages: {}, queries: {}, events: {} }
const ROUNDS = 20_000
/** Makes in each round what is counted, has some of it twice, and gives all up: more than memory holds if it stayed. */
const PROGRAM = `
const any = { '~standard': { version: 1, vendor: 'x', validate: value => ({ value }) } }
const churn = rounds => {
  let last, sum = 0
  for (let round = 0; round < rounds; round++) {
    const text = 'x'.repeat(200) + round, list = [text, { text, round }, 0.5 + round, 12345678901234567890n * BigInt(round)]
    last = { list, again: list, call: () => list }
    sum += last.call()[1].text.length + last.again.length
  }
  return sum
}
__atoll.define({ kind: 'agent', contract: { kind: 'contract', name: 'small', version: '1', args: any, state: any, queries: {}, events: {},
  messages: { churn: { input: any, reply: any, allow: ['anyone'], doc: undefined } },
}, definition: { init: () => 0, on: { churn: (_, rounds) => churn(rounds) } } })`

it('frees what nobody has any more, and nothing that somebody has', () => {
  const container = { agent: 1, name: 'small', version: '1', code: PROGRAM, interface: PROMISED }
  const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
  const factory = agentRuntime.load(agentRuntime.prepare(module), module)
  const driver = new AgentDriver(factory)
  driver.run(spawnMessage())
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) sum += 200 + `${round}`.length + 4
  expect(driver.run(request('churn', ROUNDS)).output).toEqual({ reply: sum })
  expect(driver.guest.pages).toBe(factory.image.pages)
})
