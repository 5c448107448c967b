import { z } from 'zod'
import { fromUtf8, toUtf8 } from '../codec/bytes.ts'
import { ModuleId, Slot } from '../ids.ts'
import { LifecycleView, UpgradeCheckView, UpgradeWishBody } from '../operations/lifecycle-views.ts'
import { QueryBody, QueryView } from '../operations/views.ts'
import { BytesText, type ValueOf } from '../codec/wire.ts'

/**
 * What one node asks the compute unit of another about the state of a process, as JSON: the same answer is the same
 * bytes, so answers of several units can be compared. Nothing of it is certified; who needs k units asks k units.
 */

const TimerView = z.object({
  key: z.string().max(256),
  dueMs: z.number(),
  everyMs: z.number().optional(),
})
const QueryMessageView = z.strictObject({
  ...QueryBody.shape,
  from: z.string().max(128),
  owner: z.string().max(128),
  id: z.string().max(128),
  tags: z.array(z.strictObject({ name: z.string(), value: z.string() })).max(128),
  data: BytesText,
  timestampMs: z.number().optional(),
  certificate: BytesText.optional(),
})

const UnitReadView = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('evaluated') }),
  z.strictObject({ kind: z.literal('query'), message: QueryMessageView, at: Slot.optional() }),
  z.strictObject({ kind: z.literal('state'), at: Slot.optional() }),
  z.strictObject({ kind: z.literal('lifecycle') }),
  z.strictObject({ kind: z.literal('timers') }),
  z.strictObject({ kind: z.literal('cell'), key: BytesText }),
  z.strictObject({ kind: z.literal('checkUpgrade'), wish: UpgradeWishBody.required() }),
])
export type UnitRead = ValueOf<typeof UnitReadView>

/** What each kind of question is answered with. */
export const UNIT_READS = {
  /** Slots that are final there. */
  evaluated: z.object({ slots: Slot }),
  query: QueryView,
  state: z.object({
    slot: Slot,
    module: ModuleId,
    stateRoot: BytesText.optional(),
    document: BytesText,
  }),
  lifecycle: LifecycleView.omit({ process: true }),
  timers: z.object({ timers: z.array(TimerView) }),
  cell: z.object({ value: BytesText.optional() }),
  checkUpgrade: UpgradeCheckView.omit({ process: true }),
} as const satisfies Record<UnitRead['kind'], z.ZodType>

export type UnitReading<K extends UnitRead['kind']> = ValueOf<(typeof UNIT_READS)[K]>

export const encodeUnitRead = (read: UnitRead): Uint8Array =>
  toUtf8(JSON.stringify(z.encode(UnitReadView, read as never)))

/** @throws {Error} if it is none */
export const decodeUnitRead = (bytes: Uint8Array): UnitRead => z.decode(UnitReadView, JSON.parse(fromUtf8(bytes)))

export function encodeUnitReading<K extends UnitRead['kind']>(kind: K, reading: UnitReading<K>): Uint8Array {
  return toUtf8(JSON.stringify(z.encode(UNIT_READS[kind], reading as never)))
}

/** @throws {Error} if it is none of that kind */
export function decodeUnitReading<K extends UnitRead['kind']>(kind: K, bytes: Uint8Array): UnitReading<K> {
  return z.decode(UNIT_READS[kind] as z.ZodType, JSON.parse(fromUtf8(bytes))) as UnitReading<K>
}
