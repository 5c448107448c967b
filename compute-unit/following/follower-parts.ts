import type {
  Certificate,
  Commitment,
  Failure,
  KeyId,
  Lifecycle,
  Log,
  ProcessDescription,
  Slot,
  Timer,
} from '../../protocol/index.ts'
import type { Checkpoints } from '../kept/checkpoints.ts'
import type { FrameOutcome } from '../evaluation/index.ts'
import type { Places } from '../hosts/faults.ts'
import type { FrameResults } from '../kept/frame-results.ts'
import type { ResultStore } from '../kept/result-store.ts'
import type { EarlySending } from './unit-parts.ts'
import type { VerdictParts } from './verdicts.ts'

/** A frame that was evaluated and certified. */
export interface EvaluatedFrame {
  readonly process: ProcessDescription
  /** Index of the block in both feeds. */
  readonly index: number
  readonly outcome: FrameOutcome
  readonly results: FrameResults
  /** What it asks to be sent, if that was told already while the frame was on its way to the disk. */
  readonly sending: EarlySending | undefined
  readonly certificate: Certificate
  readonly certificateBytes: Uint8Array
}

export interface FollowerParts extends Places {
  readonly log: Log
  readonly key: KeyId
  readonly checkpoints: Checkpoints
  readonly results: ResultStore
  /** Who sent what stands in the feed, and where else it stands. */
  readonly senders: VerdictParts
  /** See `Clock`. */
  elapsed(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Whether this node's own scheduler admitted what stands in the feed. */
  readonly trusted: boolean
  evaluated(frame: EvaluatedFrame): void
  /** The same of a frame on its way to the disk, all before it told: gives what it asks to be sent, if that was told to others. */
  early(
    process: ProcessDescription,
    results: FrameResults,
    outcome: FrameOutcome,
    commitment: Commitment,
  ): EarlySending | undefined
  timers(process: ProcessDescription, timers: readonly Timer[]): void
  lifecycle(process: ProcessDescription, lifecycle: Lifecycle): void
  progress(process: ProcessDescription, evaluated: Slot, scheduled: Slot): void
  trouble(process: ProcessDescription, error: Failure): void
}
