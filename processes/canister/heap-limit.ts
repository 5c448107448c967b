import { CanisterTrap } from './canister-trap.ts'
import type { Execution } from './execution.ts'
import type { CanisterInstance } from './instance.ts'
import { MODES } from './modes.ts'

/** Where the canister's own limit for its heap holds. */
const LIMITED = MODES.U | MODES.I

/** The canister's own limit for its heap. */
export function overLimit({ entry, state }: Execution, { heap }: CanisterInstance): CanisterTrap | undefined {
  const limit = state.settings.wasmMemoryLimit
  if (limit === 0n || (entry.mode & LIMITED) === 0 || BigInt(heap.pages) * 65_536n <= limit) return undefined
  return new CanisterTrap(`Canister exceeded its current Wasm memory limit of ${limit} bytes`, 'IC0539')
}
