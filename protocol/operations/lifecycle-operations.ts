import { z } from 'zod'
import { ProcessId } from '../ids.ts'
import { JSON_BODY_MAX_BYTES, WAIT_MAX_MS } from '../limits/limits.ts'
import { LifecycleView, StateView, TimersView, UpgradeCheckView, UpgradeWishBody } from './lifecycle-views.ts'
import type { OperationRow } from './operation.ts'
import { json, read, write } from './operation-shapes.ts'
import { naturalText } from '../codec/wire.ts'

const process = z.strictObject({ process: ProcessId })
const wait = { wait_ms: naturalText(WAIT_MAX_MS).optional() }

/** Rows of the table of operations: what a process is, was and could become. */
export const LIFECYCLE_OPERATIONS = {
  lifecycle: {
    ...read,
    path: '/v1/processes/{process}/lifecycle',
    params: process,
    summary: 'The module in force, those before it, and the states that are kept',
    answer: json(LifecycleView),
  },
  state: {
    ...read,
    path: '/v1/processes/{process}/state',
    params: process,
    query: z.strictObject({ at: naturalText().optional(), ...wait }),
    summary:
      'The state after a slot, or after the last that is evaluated, as a document; if the wait ends first, ask again',
    answer: json(StateView),
  },
  timers: {
    ...read,
    path: '/v1/processes/{process}/timers',
    params: process,
    summary: 'The timers a process holds',
    answer: json(TimersView),
  },
  checkUpgrade: {
    ...write,
    path: '/v1/processes/{process}/upgrade-check',
    params: process,
    query: z.strictObject(wait),
    summary: 'Try an upgrade on a copy of the state, and compare what both modules answer',
    body: { kind: 'json', schema: UpgradeWishBody, limitBytes: JSON_BODY_MAX_BYTES },
    answer: json(UpgradeCheckView),
  },
} as const satisfies Record<string, OperationRow>
