import { actorRuntime } from '../../../processes/actor/index.ts'
import { runtimeConformance } from '../../conformance/runtime.ts'
import { fakeModule, guestMessage } from '../../fakes/guest-context.ts'
import { SAMPLE_ACTOR, wat } from './sample-actor.ts'

const withData = (...data: number[]) => guestMessage({ data: Uint8Array.from(data) })

runtimeConformance({
  name: 'actor',
  runtime: actorRuntime,
  module: async () => fakeModule('actor', await wat(SAMPLE_ACTOR)),
  message: n => withData(n % 4 === 3 ? 3 : 0, n),
  failing: withData(1),
  endless: { message: withData(2), gasLimit: 2_000_000n },
})
