import { expect, it, vi } from 'vitest'
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentModule, encodeAgentModule, HostFault } from '../../../protocol/index.ts'
import { fakeModule } from '../../fakes/guest-context.ts'

// As if the sources were of a later version than what was built.
vi.mock('../../../processes/agent/engine-hash.json', () => ({ default: { sha256: '0'.repeat(64) } }))

const INTERFACE = { name: 'small', version: '1', args: {}, state: {}, messages: {}, queries: {}, events: {} }

it('has no agent run on an engine that was built for other sources, and says what to do', () => {
  const container = { agent: 1, name: 'small', version: '1', code: '', interface: INTERFACE }
  const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
  const load = () => agentRuntime.load(agentRuntime.prepare(module), module)
  expect(load).toThrow(HostFault)
  expect(load).toThrow(/engine-00000000\.wasm.*npm run setup/)
})
