import type { PendingRule } from './control.ts'
import type { ModuleId, Slot } from '../ids.ts'
import type { ResultError } from '../results/result.ts'
import type { JsonDifference } from '../codec/json-difference.ts'

/** A module that came into force in a slot. */
export interface ModuleChange {
  readonly module: ModuleId
  readonly slot: Slot
}

/** A document of state that a process keeps. */
export interface SnapshotFact {
  readonly name: string
  /** The slot that took it, and the module in force then. */
  readonly slot: Slot
  readonly module: ModuleId
  readonly sizeBytes: number
  /** Taken by an upgrade: what a rollback goes back to. */
  readonly isAutomatic: boolean
}

/** Which module evaluates a process, and which states it can go back to. */
export interface Lifecycle {
  /** The module in force. */
  readonly module: ModuleId
  /** The first slot that this memory has seen: 0, or that after the last upgrade, rollback or restore. */
  readonly since: Slot
  /** Changes of module after the spawn, oldest first; the oldest of very many are forgotten. */
  readonly changes: readonly ModuleChange[]
  /** Oldest first. */
  readonly snapshots: readonly SnapshotFact[]
}

/** The state of a process as its program tells it: a JSON document. */
export interface StateAnswer {
  /** The last slot that it has seen. */
  readonly slot: Slot
  readonly module: ModuleId
  /** The certified root; only after the last slot of a frame there is one. */
  readonly stateRoot: Uint8Array | undefined
  readonly document: Uint8Array
}

/** An upgrade that somebody thinks of. */
export interface UpgradeWish {
  readonly module: ModuleId
  readonly pending: PendingRule
  /** Messages, the last ones, that both modules are given to compare their answers. */
  readonly replay: number
}

/** What an upgrade would do; nothing of it was kept. */
export interface UpgradeCheck {
  readonly ok: boolean
  /** What it would end with, if it would fail. */
  readonly error: ResultError | undefined
  readonly gas: bigint
  /** The last slot that the copy had seen. */
  readonly slot: Slot
  readonly from: ModuleId
  readonly to: ModuleId
  /** Calls that are open. */
  readonly pending: number
  /** What the migration makes of the state. */
  readonly migrated: readonly JsonDifference[]
  /** Messages that both modules were given, and where their answers differ. */
  readonly replayed: number
  readonly differences: readonly ReplayDifference[]
}

/** A slot that two modules answer differently. */
export interface ReplayDifference {
  readonly slot: Slot
  readonly what: 'status' | 'error' | 'output' | 'outbox'
  readonly before: string
  readonly after: string
}
