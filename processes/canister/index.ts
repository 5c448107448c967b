import { EMPTY_WASM, equalBytes, Failure, type ModuleDescription, type Runtime } from '../../protocol/index.ts'
import { Rejected } from './canister-trap.ts'
import { checkBounds, prepareCode } from './code.ts'
import { CanisterFactory } from './factory.ts'

/**
 * The runtime of format `canister`: canisters of the Internet Computer, unmodified. docs/protocol/canister.md tells how they
 * are carried; what they see is the IC interface specification.
 */
export const canisterRuntime: Runtime = {
  formats: ['canister'],
  assignable: false,
  // Canisters change their code themselves, by requests to the management canister.
  stateForm: 'memory',
  prepare: prepareCanister,
  load: (prepared: Uint8Array) => new CanisterFactory(equalBytes(prepared, EMPTY_WASM) ? undefined : prepared),
}

/** Code is rewritten where it is installed; here it is only tried. @throws {Failure} `module-refused` */
function prepareCanister({ wasm }: ModuleDescription): Uint8Array {
  if (equalBytes(wasm, EMPTY_WASM)) return wasm
  try {
    checkBounds(prepareCode(wasm))
  } catch (error) {
    if (error instanceof Rejected)
      throw new Failure('module-refused', { rule: 'canister' }, { note: error.message, cause: error })
    throw error
  }
  return wasm
}
