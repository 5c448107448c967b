import { agentRuntime } from '../../../processes/agent/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { runtimeConformance } from '../../conformance/runtime.ts'
import { agentModule, request, spawnMessage } from './agent-driver.ts'

runtimeConformance({
  name: 'agent',
  runtime: agentRuntime,
  module: () => agentModule('counter'),
  spawn: spawnMessage({ start: 1 }),
  message: n => request('add', { by: n + 1 }, { slot: n + 1, id: fakeId(100 + n) }),
  failing: request('fail', { why: 'to see' }),
  endless: { message: request('loop'), gasLimit: 50_000_000n },
  timeoutMs: 60_000,
})
