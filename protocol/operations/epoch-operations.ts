import { z } from 'zod'
import { ProcessId, Slot } from '../ids.ts'
import { EPOCH_RECORD_MAX_BYTES } from '../limits/limits.ts'
import type { OperationRow } from './operation.ts'
import { bytes, ITEM_MEDIA_TYPE, json, read, write } from './operation-shapes.ts'
import { PolicyView } from './views.ts'
import { BytesText, named, naturalText, type ValueOf } from '../codec/wire.ts'

export const EpochView = named(
  'Epoch',
  'Who had the word in a process from one block of its feed on.',
  z.object({
    epoch: z.int().nonnegative(),
    policy: PolicyView,
    /** Blocks of earlier epochs with which its feed begins, and the first slot it gives. */
    blocks: z.int().nonnegative(),
    firstSlot: Slot,
    feedKey: BytesText,
    /** Hash of its record; none, as it was spawned. */
    record: BytesText.optional(),
  }),
)
export type EpochView = ValueOf<typeof EpochView>

export const HandoverStandView = named(
  'HandoverStand',
  'With what the next epoch of a process may begin.',
  z.object({
    process: ProcessId,
    /** The present one. */
    epoch: z.int().nonnegative(),
    blocks: z.int().positive(),
    slots: Slot,
    /** Tree hash of these blocks. */
    hash: BytesText,
    /** Hash of the newest record; 32 zero bytes, if there is none. */
    previous: BytesText,
    /** Its schedulers take nothing more, so no message that they acknowledged stands behind these blocks. */
    held: z.boolean(),
  }),
)
export type HandoverStand = ValueOf<typeof HandoverStandView>

const process = z.strictObject({ process: ProcessId })
const item = (what: string) =>
  ({ kind: 'bytes', mediaType: ITEM_MEDIA_TYPE, limitBytes: EPOCH_RECORD_MAX_BYTES, what }) as const

/** Rows of the table of operations: who schedules a process, and handing it over. */
export const EPOCH_OPERATIONS = {
  listEpochs: {
    ...read,
    path: '/v1/processes/{process}/epochs',
    params: process,
    summary: 'Who scheduled and evaluated a process, from its spawn on',
    answer: json(z.object({ epochs: z.array(EpochView) })),
  },
  epochItem: {
    ...read,
    path: '/v1/processes/{process}/epochs/{epoch}',
    params: z.strictObject({ process: ProcessId, epoch: naturalText() }),
    summary: 'The signed item by which the owner of a process began an epoch',
    answer: bytes(ITEM_MEDIA_TYPE, 'The signed ANS-104 item: see docs/protocol/epochs.md.'),
  },
  prepareHandover: {
    ...write,
    path: '/v1/processes/{process}/handover',
    params: process,
    summary: 'Have the schedulers of a process take nothing more for a while, and find where its feed ends',
    body: item('The order, signed by the owner.'),
    answer: json(HandoverStandView),
  },
  handOver: {
    ...write,
    path: '/v1/processes/{process}/epochs',
    params: process,
    summary: 'Hand a process over to other schedulers, by a record that its owner signed',
    body: item('The epoch record, signed by the owner.'),
    answer: json(z.object({ process: ProcessId, epoch: z.int().positive(), isNew: z.boolean() })),
  },
} as const satisfies Record<string, OperationRow>
