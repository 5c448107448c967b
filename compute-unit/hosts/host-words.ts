import type { Ending, ModuleId, ProcessId, QueryMessage, ResultError, Tag, Timer } from '../../protocol/index.ts'
import type { FrameOutcome, ProcessSnapshot, SnapshotDelta, Verdict } from '../evaluation/frame-outcome.ts'

/**
 * What goes over the pipe between the compute unit and a host: packets of a 32-bit length, little-endian, and
 * CBOR `[number, kind, …]`; an answer carries the number of its request. Both ends are of one version.
 */
export type HostRequest =
  | { readonly kind: 'check' | 'load'; readonly module: HostModule }
  | {
      readonly kind: 'open'
      readonly process: ProcessId
      readonly module: ModuleId
      readonly spawn: Uint8Array
      readonly snapshot: ProcessSnapshot | undefined
    }
  | {
      readonly kind: 'evaluate'
      readonly process: ProcessId
      readonly frame: Uint8Array
      readonly verdicts: readonly Verdict[]
      readonly steps: boolean
      readonly impatient?: boolean
    }
  | {
      readonly kind: 'query'
      readonly process: ProcessId
      readonly message: QueryMessage
      readonly timestampMs: number
      readonly impatient?: boolean
    }
  | {
      readonly kind: 'export' | 'rehearse'
      readonly process: ProcessId
      readonly tags: readonly Tag[]
      readonly timestampMs: number
    }
  | { readonly kind: 'cell'; readonly process: ProcessId; readonly key: Uint8Array }
  | { readonly kind: 'delta' | 'memory' | 'close'; readonly process: ProcessId }
  | { readonly kind: 'unload'; readonly module: ModuleId }
  | { readonly kind: 'rest' }

export interface HostModule {
  readonly id: ModuleId
  readonly owner: string
  readonly format: string
  readonly tags: readonly { readonly name: string; readonly value: string }[]
  readonly wasm: Uint8Array
}

export type HostAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'opened'
      readonly stateRoot: Uint8Array
      readonly sizeBytes: number
      readonly timers: readonly Timer[]
    }
  | { readonly kind: 'evaluated'; readonly outcome: FrameOutcome; readonly sizeBytes: number }
  | {
      readonly kind: 'queried'
      readonly slot: number
      readonly status: 'ok' | 'error'
      readonly gas: bigint
      readonly error: ResultError | undefined
      readonly output: Uint8Array
      readonly log: string
    }
  | { readonly kind: 'exported'; readonly slot: number; readonly module: ModuleId; readonly ending: Ending }
  | { readonly kind: 'delta'; readonly delta: SnapshotDelta }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array | undefined; readonly slot: number }
  /** `untouched`: what the request needs is not here, such as a module that was unloaded; nothing else is wrong. */
  | { readonly kind: 'fault'; readonly message: string; readonly fatal: boolean; readonly untouched: boolean }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'alive' }
