import type {
  Clock,
  Commitment,
  Failure,
  KeyId,
  Log,
  Notary,
  ProcessDescription,
  ProcessId,
  PushSender,
  Sending,
  Slot,
  Timer,
} from '../../protocol/index.ts'
import type { EvaluatedFrame } from './follower-parts.ts'
import type { OpenHost } from '../hosts/host-pool.ts'

/** What a frame on its way to the disk asks to be sent, as it was told. */
export type EarlySending = readonly Sending[]

/** What a compute unit stands on, and whom it tells. */
export interface ComputeUnitParts {
  readonly key: KeyId
  /** Ed25519 seed of that key: certificates are signed with it. */
  readonly seed: Uint8Array
  readonly log: Log
  readonly clock: Clock
  /** Opens a host that can run every format of this node. */
  readonly openHost: OpenHost
  readonly hosts?: number | undefined
  /** Who checks what canisters may have signed, which takes long; the unit itself, if not given. */
  readonly notary?: Notary | undefined
  /** Bytes of guests held in hosts; idle ones above it hibernate. */
  readonly residentMaxBytes?: number | undefined
  /** Processes whose place in their feed is held in memory; idle ones above it are looked up again. */
  readonly followersMax?: number | undefined
  /** Certified frames of one process that stay at hand. */
  readonly recentFramesMax?: number | undefined
  /** A frame was evaluated; the results in `sending` ask for something to be sent. */
  evaluated(frame: EvaluatedFrame, sending: readonly Sending[]): void
  /**
   * The same of a frame on its way to the disk, if this unit's word is enough: `evaluated` comes once it is there, with the same results.
   * Whatever is made of it has to be built on `commitment`.
   */
  early?(sending: EarlySending, commitment: Commitment): void
  /** The timers a process holds now. */
  timers(process: ProcessId, timers: readonly Timer[]): void
  /** A process that sends, here or elsewhere; those of this node's directory, if not given. */
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  progress?(process: ProcessId, evaluated: Slot, scheduled: Slot): void
  trouble?(process: ProcessId, error: Failure): void
}

/** A frame as its scheduler gives it. */
export interface ScheduledFrame {
  /** Index of the block in the feed. */
  readonly index: number
  readonly bytes: Uint8Array
  /** For each slot, who sent it, if that is a process; believed of this node's own scheduler alone. */
  readonly senders?: readonly (PushSender | undefined)[] | undefined
}
