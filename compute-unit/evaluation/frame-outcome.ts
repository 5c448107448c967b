import type { CellKey, Lifecycle, ModuleId, Slot, Timer } from '../../protocol/index.ts'
import type { SenderFacts } from './guest-messages.ts'

/** What the compute unit found out about an assignment before it goes to a host. */
export type Verdict =
  | { readonly status: 'ok'; readonly sender: SenderFacts }
  | { readonly status: 'duplicate' | 'refused' }

/** The state of a process at the end of a frame. */
export interface ProcessSnapshot {
  /** Slots evaluated. */
  readonly slots: Slot
  /** The module in force, and the first slot that this memory has seen. */
  readonly module: ModuleId
  readonly since: Slot
  readonly pages: number
  readonly engine: Uint8Array
  /** Running hash over the frames: commits to all that stands in the feed so far. */
  readonly logHash: Uint8Array
  /** As differences from the module's image (protocol/guests/chunk-difference.ts). */
  readonly chunks: ReadonlyMap<number, Uint8Array>
  readonly cells: readonly (readonly [CellKey, Uint8Array])[]
}

/** What changed since the last snapshot. */
export interface SnapshotDelta extends Omit<ProcessSnapshot, 'cells'> {
  readonly cells: readonly (readonly [CellKey, Uint8Array | undefined])[]
  readonly stateRoot: Uint8Array
}

/** What came of a frame. */
export interface FrameOutcome {
  readonly firstSlot: Slot
  readonly count: number
  /** `[result, …]`: all of them in one piece, as they are stored. */
  readonly resultsBytes: Uint8Array
  /** Positions of the results that ask for something to be sent. */
  readonly sends: readonly number[]
  readonly resultsRoot: Uint8Array
  readonly stateRoot: Uint8Array
  readonly gas: bigint
  /** Set if the process's timers may have changed. */
  readonly timers: readonly Timer[] | undefined
  /** Set if the process's module or snapshots may have changed. */
  readonly lifecycle?: Lifecycle | undefined
  /** State root and gas after each slot, if asked for. */
  readonly steps: readonly { readonly stateRoot: Uint8Array; readonly gas: bigint }[]
}
