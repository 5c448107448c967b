/**
 * What a canister would pay for its memory, were anything paid for: enough to tell when it freezes, as on the IC. Nothing is ever taken,
 * and where nobody set a threshold nothing freezes.
 */
import { type Cells, principalText } from '../../protocol/index.ts'
import {
  CODE_MAX_BYTES,
  MEMORY_MAX_BYTES,
  SNAPSHOTS_MAX_BYTES,
  UPLOAD_CHUNK_MAX_BYTES,
  UPLOAD_CHUNKS_MAX,
} from './bounds.ts'
import { REJECT, type Reject } from './canister-trap.ts'
import type { Machine } from './machine.ts'
import { chunkBytes } from './management/chunk-store.ts'
import { snapshotBytes } from './management/snapshot-store.ts'
import type { Settings } from './canister-settings.ts'

const SECONDS_PER_DAY = 86_400n
/** Cycles for a GiB and a second, as on a subnet of 13 nodes. */
const GIB_SECOND_CYCLES = 127_000n
const GIB = 1n << 30n
const PAGE_BYTES = 65_536n
const CHANGE_BYTES = 128n
/** More than any canister can have. */
const USED_MAX_BYTES =
  2n * BigInt(MEMORY_MAX_BYTES + SNAPSHOTS_MAX_BYTES + CODE_MAX_BYTES + UPLOAD_CHUNKS_MAX * UPLOAD_CHUNK_MAX_BYTES)

/** Sizes that `canister_status` tells, in bytes. */
export function memorySizes(machine: Machine, cells: Cells) {
  const { state } = machine
  const code = machine.code(cells)
  const custom = code?.metadata.reduce((sum, { content }) => sum + content.length, 0) ?? 0
  return {
    wasm_memory_size: BigInt(state.heapPages) * PAGE_BYTES,
    stable_memory_size: BigInt(state.stablePages) * PAGE_BYTES,
    global_memory_size: BigInt((code?.globals.length ?? 0) * 8),
    wasm_binary_size: BigInt(state.codeBytes),
    custom_sections_size: BigInt(custom),
    canister_history_size: BigInt(state.changes.length) * CHANGE_BYTES,
    wasm_chunk_store_size: BigInt(chunkBytes(cells)),
    snapshots_size: BigInt(snapshotBytes(machine, cells)),
    // As on the IC: what may be written, not what is.
    log_memory_store_size: state.settings.logMemoryLimit,
  }
}

function usedBytes(machine: Machine, cells: Cells): bigint {
  return Object.values(memorySizes(machine, cells)).reduce((sum, one) => sum + one, 0n)
}

/** Cycles that memory would cost in a day: what is used, or set aside if that is more. */
export function idleCyclesPerDay(machine: Machine, cells: Cells): bigint {
  return perDay(usedBytes(machine, cells), machine.state.settings)
}

const perDay = (bytes: bigint, { memoryAllocation }: Settings): bigint =>
  ((bytes > memoryAllocation ? bytes : memoryAllocation) * GIB_SECOND_CYCLES * SECONDS_PER_DAY) / GIB

const forThreshold = (idlePerDay: bigint, { freezingThreshold }: Settings): bigint =>
  (idlePerDay * (freezingThreshold ?? 0n)) / SECONDS_PER_DAY

/** Cycles below which the canister is frozen, under its settings or others. */
export function freezingLimit(machine: Machine, cells: Cells, settings: Settings = machine.state.settings): bigint {
  return forThreshold(perDay(usedBytes(machine, cells), settings), settings)
}

/** Why the canister does not run; nothing, if it has the cycles for its memory. */
export function outOfCycles(machine: Machine, cells: Cells): Reject | undefined {
  const { cycles, settings } = machine.state
  // Most have so much that nobody needs to look at how large they are.
  if (cycles >= forThreshold(perDay(USED_MAX_BYTES, settings), settings)) return undefined
  const missing = freezingLimit(machine, cells) - cycles
  if (missing <= 0n) return undefined
  const message = `Canister ${principalText(machine.names.self)} is out of cycles: please top up the canister with at least ${missing} additional cycles`
  return { code: REJECT.transient, error: 'IC0207', message }
}
