import { commandRuntime } from '../../../processes/index.ts'
import { runtimeConformance } from '../../conformance/runtime.ts'
import { fakeModule, tags } from '../../fakes/guest-context.ts'
import { wat } from '../actor/sample-actor.ts'
import { doing, SAMPLE_PROGRAM } from './sample-program.ts'

runtimeConformance({
  name: 'command through Wasmer',
  runtime: commandRuntime,
  module: async () => fakeModule('command', await wat(SAMPLE_PROGRAM), tags('Command-Engine', 'wasmer')),
  message: n => doing(n % 4 === 3 ? '9' : '0'),
  failing: doing('1'),
  endless: { message: doing('2'), gasLimit: 2_000_000n },
  timeoutMs: 60_000,
})
