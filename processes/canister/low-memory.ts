import { MEMORY_MAX_PAGES } from '../../protocol/index.ts'
import type { CanisterState } from './state.ts'

const PAGE_BYTES = 65_536n

/** Whether less of the heap is left than the threshold of the canister; its limit is its own, or that of all. Never without a threshold. */
export function isLowOnMemory({ settings, heapPages, codeHash }: CanisterState): boolean {
  const { wasmMemoryLimit, wasmMemoryThreshold } = settings
  const most = BigInt(MEMORY_MAX_PAGES) * PAGE_BYTES
  const limit = wasmMemoryLimit === 0n || wasmMemoryLimit > most ? most : wasmMemoryLimit
  return codeHash !== undefined && limit - BigInt(heapPages) * PAGE_BYTES < wasmMemoryThreshold
}
