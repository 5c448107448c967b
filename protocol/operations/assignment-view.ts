import { z } from 'zod'
import { MessageId, ProcessId, Slot } from '../ids.ts'
import { BigText, BytesText, named, type ValueOf } from '../codec/wire.ts'

/** What stands in feeds, as operations show it. */

export const TagView = named(
  'Tag',
  'A name and a value; order and repetition count.',
  z.object({
    name: z.string(),
    value: z.string(),
  }),
)

export const TagsView = z.array(TagView)

const ItemView = z.object({
  kind: z.literal('item'),
  scheme: z.string(),
  owner: BytesText,
  ownerAddress: z.string(),
  target: z.string().optional(),
  anchor: BytesText.optional(),
  tags: TagsView,
  data: BytesText,
  signature: BytesText,
})

const PushView = z.object({
  kind: z.literal('push'),
  from: ProcessId,
  fromSlot: Slot,
  index: z.int().nonnegative(),
  seq: z.int().nonnegative(),
  to: ProcessId,
  depth: z.int().nonnegative(),
  fuel: BigText,
  origin: MessageId,
  spawns: z.boolean(),
  tags: TagsView,
  data: BytesText,
  anchor: BytesText.optional(),
})

/** An envelope as an item or a push that was signed or certified elsewhere. */
export const ItemOrPushView = z.discriminatedUnion('kind', [ItemView, PushView])
export type ItemOrPushView = ValueOf<typeof ItemOrPushView>

export const EnvelopeView = named(
  'Envelope',
  'What stands in a slot.',
  z.discriminatedUnion('kind', [
    ItemView,
    PushView,
    z.object({ kind: z.literal('tick'), timer: BytesText, dueMs: z.int().nonnegative() }),
    z.object({
      kind: z.literal('reject'),
      from: ProcessId,
      seq: z.int().nonnegative(),
      reason: z.string(),
    }),
    z.object({
      kind: z.literal('ingress'),
      sender: z.string(),
      canister: z.string(),
      method: z.string(),
      arg: BytesText,
      /** The whole envelope, as it was signed. */
      request: BytesText,
    }),
    z.object({ kind: z.literal('assign'), message: ItemOrPushView, exclude: z.array(z.string()) }),
  ]),
)
export type EnvelopeView = ValueOf<typeof EnvelopeView>

export const AssignmentView = named(
  'Assignment',
  'This envelope has that slot, at that time.',
  z.object({
    id: MessageId,
    process: ProcessId,
    slot: Slot,
    timestampMs: z.int().nonnegative(),
    /** The block of the feed it stands in. */
    block: z.int().nonnegative(),
    envelope: EnvelopeView,
  }),
)
export type AssignmentView = ValueOf<typeof AssignmentView>
