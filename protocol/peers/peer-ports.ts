import type { Attestation, FinalFrame } from '../results/attestation.ts'
import type { SignedBlocks } from '../feeds/log-port.ts'
import type { KeyId, MessageId, ModuleId, ProcessId, Slot } from '../ids.ts'
import type { CallOptions, ScheduleAnswer, ScheduleRequest, Trace, TraceBounds } from '../ports.ts'
import type { UnitFault } from '../proofs/unit-fault.ts'
import type { UnitRead } from './unit-read.ts'

/**
 * Other nodes, as this one reaches them. Nobody there is believed: what they give is checked by whoever asks.
 * Every call may fail with `unreachable` or `timeout`.
 */
export interface Peers {
  /** Hands requests to the node that schedules with the key `scheduler`; answers in the same order. */
  schedule(
    scheduler: KeyId,
    requests: readonly ScheduleRequest[],
    options?: CallOptions,
  ): Promise<readonly ScheduleAnswer[]>
  /** The encoded envelope of slot 0 of a process, from whoever has it; nothing if nobody in reach does. */
  spawnEnvelope(process: ProcessId, options?: CallOptions): Promise<Uint8Array | undefined>
  /** The same, from one node and nobody else. */
  spawnEnvelopeOf(node: KeyId, process: ProcessId, options?: CallOptions): Promise<Uint8Array | undefined>
  /** The encoded envelope of slot 0 of the process that a principal names, from whoever has it. */
  canister(principal: Uint8Array, options?: CallOptions): Promise<Uint8Array | undefined>
  /** The signed item of a module, from whoever has it. */
  moduleItem(module: ModuleId, options?: CallOptions): Promise<Uint8Array | undefined>
  /** Blocks of the message feed of a process from `from` on, with their signed head; nothing if there are no more. */
  frames(scheduler: KeyId, process: ProcessId, from: number, options?: CallOptions): Promise<SignedBlocks | undefined>
  /** Tells a node that these processes name it. */
  announce(node: KeyId, processes: readonly ProcessId[], options?: CallOptions): Promise<void>
  /** The tree below a message of a process which that node schedules. @throws {Failure} `unknown-message` too */
  trace(
    scheduler: KeyId,
    process: ProcessId,
    message: MessageId,
    bounds: TraceBounds,
    options?: CallOptions,
  ): Promise<Trace>
  /** What is asked of compute units, and what they tell; without it, only their own schedulers know them. */
  readonly units?: UnitPeers | undefined
}

/** Compute units elsewhere, by their keys, and what schedulers tell of them. All of it is checked by whoever asks. */
export interface UnitPeers {
  /** Tells another compute unit of a process what this one attests. */
  attest(to: KeyId, process: ProcessId, attestations: readonly Attestation[], options?: CallOptions): Promise<void>
  /** What a unit attests of frames from `from` on, itself and what it heard of others; a page of them. */
  attestations(unit: KeyId, process: ProcessId, from: number, options?: CallOptions): Promise<readonly Attestation[]>
  /** Final frames from the one that holds `slot` on, a page of them; none if it is not final before `waitMs` are over. */
  finalFrames(
    unit: KeyId,
    process: ProcessId,
    slot: Slot,
    waitMs: number,
    options?: CallOptions,
  ): Promise<readonly FinalFrame[]>
  /** Something about the state of a process as one of its units sees it, encoded as the row of `UNIT_READS` says. */
  read(unit: KeyId, process: ProcessId, read: UnitRead, options?: CallOptions): Promise<Uint8Array>
  /** Tells a scheduler that the timers of a process it schedules have changed; it then asks for them. */
  timersChanged(scheduler: KeyId, process: ProcessId, options?: CallOptions): Promise<void>
  /** The seq which the next push from `from` to `to` must have, as the scheduler of `to` knows it. */
  expectedSeq(scheduler: KeyId, to: ProcessId, from: ProcessId, options?: CallOptions): Promise<number>
}

/** Two compute units of one process that signed different certificates for one frame: at least one of them is at fault. */
export interface Disagreement {
  readonly process: ProcessId
  readonly attestations: readonly [Attestation, Attestation]
}

/** Takes what shows that somebody is at fault. */
export interface Evidence {
  disagreement(disagreement: Disagreement): void
  /** This node evaluated a frame, and it did not give what a unit signed. */
  fault(fault: UnitFault): void
  /**
   * Whether a unit was proven to be at fault in a process: nothing it says there counts any more. What others know to be final
   * stays final: with a slot, whether what it signed of that slot counts; what it signed before the first frame it lied about does.
   */
  isExcluded(process: ProcessId, unit: KeyId, slot?: Slot): boolean
}
