import type { Execution } from '../execution.ts'
import type { Heap } from '../heap.ts'
import type { StableMemory } from '../stable-memory.ts'

/** What system calls work on. */
export interface Host {
  readonly heap: Heap
  readonly stable: StableMemory
  /** The one that runs. */
  readonly execution: Execution
  readonly self: Uint8Array
  readonly subnet: Uint8Array
  readonly rootKey: Uint8Array
  /** Instructions of the execution so far. */
  instructions(): bigint
  /** Takes gas for moving bytes. @throws {CanisterTrap} if there is too little */
  charge(gas: number): void
}

/** A system call with addresses as numbers: `i`, `p` as numbers, `I` as bigint. */
export type SystemFunction = (...values: never[]) => number | bigint | undefined

export type SystemFunctions = Readonly<Record<string, SystemFunction>>

/** Gas of a system call, beside that of its bytes; a few costly ones take more. */
export const CALL_GAS = 200
/** Gas of a call to another canister: a message is signed, hashed and carried, twice. */
export const PERFORM_GAS = 20_000
export const GROW_PAGE_GAS = 1_000
/** Gas of a chunk of stable memory or heap that is written: copied and hashed. */
export const CHUNK_GAS = 8_192
