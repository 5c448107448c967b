// A whole network in a test's own program, in virtual time. The second composition root, beside node/.
export { createTestNet } from './create-test-net.ts'
export { withNet } from './with-net.ts'
export type { Duration } from '../contract/index.ts'
export type { SpawnSource } from './module-shelf.ts'
export type {
  FaultTarget,
  HandoverOptions,
  NetFaults,
  PlainSpawnOptions,
  ProcessName,
  SpawnOptions,
  TestNet,
  TestEffects,
  TestNetOptions,
} from './test-net.ts'
