import { z } from 'zod'
import { ModuleId, ProcessId, Slot } from '../ids.ts'
import { CHECK_REPLAY_MAX } from '../limits/limits.ts'
import { ResultErrorView } from './trace-view.ts'
import { BigText, BytesText, named, type ValueOf } from '../codec/wire.ts'

/** What operations show of the modules, states and timers of a process. */

const Milliseconds = z.int().nonnegative()

export const LifecycleView = named(
  'Lifecycle',
  'Which module evaluates a process, and which states it can go back to.',
  z.object({
    process: ProcessId,
    /** The module in force. */
    module: ModuleId,
    /** The first slot that the present memory has seen. */
    since: Slot,
    /** Modules that came into force after the spawn, oldest first. */
    changes: z.array(z.object({ module: ModuleId, slot: Slot })),
    snapshots: z.array(
      z.object({
        name: z.string(),
        slot: Slot,
        module: ModuleId,
        sizeBytes: z.int().nonnegative(),
        /** Taken by an upgrade: what a rollback goes back to. */
        isAutomatic: z.boolean(),
      }),
    ),
  }),
)
export type LifecycleView = ValueOf<typeof LifecycleView>

export const StateView = named(
  'State',
  'The state of a process after a slot, as its program tells it.',
  z.object({
    process: ProcessId,
    /** The last slot that it has seen. */
    slot: Slot,
    module: ModuleId,
    /** The certified root; there is one after the last slot of a frame. */
    stateRoot: BytesText.optional(),
    /** A JSON object: what an upgrade or a fork carries over. */
    document: z.record(z.string(), z.unknown()),
  }),
)
export type StateView = ValueOf<typeof StateView>

export const TimersView = named(
  'Timers',
  'The timers a process holds after the last evaluated slot.',
  z.object({
    process: ProcessId,
    timers: z.array(
      z.object({
        key: BytesText,
        /** The key as text, where it is text. */
        name: z.string().optional(),
        dueMs: Milliseconds,
        /** Absent: it fires once. */
        everyMs: Milliseconds.optional(),
      }),
    ),
  }),
)
export type TimersView = ValueOf<typeof TimersView>

/** An upgrade that somebody thinks of. */
export const UpgradeWishBody = named(
  'UpgradeWish',
  'An upgrade to be tried on a copy.',
  z.strictObject({
    module: ModuleId,
    /** What becomes of open calls; `wait`. */
    pending: z.enum(['wait', 'reject']).optional(),
    /** Messages, the last ones, that both modules are given to compare their answers; none. */
    replay: z.int().min(0).max(CHECK_REPLAY_MAX).optional(),
  }),
)

export const UpgradeCheckView = named(
  'UpgradeCheck',
  'What an upgrade would do; nothing of it was kept.',
  z.object({
    process: ProcessId,
    ok: z.boolean(),
    /** What it would end with, if it would fail. */
    error: ResultErrorView.optional(),
    gas: BigText,
    slot: Slot,
    from: ModuleId,
    to: ModuleId,
    /** Calls that are open. */
    pending: z.int().nonnegative(),
    /** Where the documents before and after differ. */
    migrated: z.array(
      z.object({
        path: z.array(z.union([z.string(), z.int()])),
        before: z.unknown().optional(),
        after: z.unknown().optional(),
      }),
    ),
    /** Messages that both modules were given, and where their answers differ. */
    replayed: z.int().nonnegative(),
    differences: z.array(
      z.object({
        slot: Slot,
        what: z.enum(['status', 'error', 'output', 'outbox']),
        before: z.string(),
        after: z.string(),
      }),
    ),
  }),
)
export type UpgradeCheckView = ValueOf<typeof UpgradeCheckView>
