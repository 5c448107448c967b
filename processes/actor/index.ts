import type { Runtime } from '../../protocol/index.ts'
import { loadActor, prepareActor } from './prepare.ts'

/**
 * The runtime of format `actor`: core WebAssembly with a small ABI and cells kept by the host, many
 * guests in few instances. docs/protocol/actor-abi.md is the contract with programs.
 */
export const actorRuntime: Runtime = {
  formats: ['actor'],
  assignable: false,
  stateForm: 'cells',
  prepare: prepareActor,
  load: loadActor,
}
