import { expect, it } from 'vitest'
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentModule, encodeAgentModule } from '../../../protocol/index.ts'
import { fakeModule } from '../../fakes/guest-context.ts'
import { AgentDriver, request, spawnMessage } from './agent-driver.ts'

const NOTHING = `{ '~standard': { version: 1, vendor: 'x', validate: value => ({ value }) } }`
const PROMISED = { name: 'small', version: '1', args: {}, state: {}, messages: {}, queries: {}, events: {} }
/** Images end at several places in a page of 64 KiB. */
const SIZES = [0, 16_384, 32_768, 49_152]

/** A program that keeps so many characters, and as a process some 80 KB. */
const program = (size: number): string => `
const kept = '${'k'.repeat(size)}', any = ${NOTHING}
__atoll.define({ kind: 'agent', contract: { kind: 'contract', name: 'small', version: '1', args: any, state: any, queries: {}, events: {},
  messages: { size: { input: any, reply: any, allow: ['anyone'], doc: undefined } },
}, definition: { init: () => Array.from({ length: 5000 }, (_, n) => n), on: { size: () => kept.length } } })`

it('a process that holds little never grows its memory, wherever the image of its module ends', {
  timeout: 180_000,
}, () => {
  for (const size of SIZES) {
    const container = { agent: 1, name: 'small', version: '1', code: program(size), interface: PROMISED }
    const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
    const factory = agentRuntime.load(agentRuntime.prepare(module), module)
    const driver = new AgentDriver(factory)
    expect(driver.run(spawnMessage()).ending.status).toBe('ok')
    expect(driver.run(request('size', {})).output).toEqual({ reply: size })
    expect(driver.guest.pages).toBe(factory.image.pages)
    driver.guest.close()
  }
})
