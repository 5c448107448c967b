import { z } from 'zod'
import { EVIDENCE_KINDS } from '../proofs/evidence.ts'
import { isId, KeyId, MessageId, ProcessId, Slot } from '../ids.ts'
import { named, type ValueOf } from '../codec/wire.ts'

/** By which a piece of evidence is known: the hash of its bytes. */
export const EvidenceId = z.string().refine(isId, 'expected 43 characters')

export const EvidenceView = named(
  'Evidence',
  'Something that shows, or says, that somebody broke the rules.',
  z.object({
    id: EvidenceId,
    kind: z.enum(EVIDENCE_KINDS),
    process: ProcessId,
    /** Whom it accuses, by key. */
    accused: z.array(KeyId),
    /** Of an equivocation: the length of both trees; they have at least one block less in common. */
    length: z.int().positive().optional(),
    /** Of a fault: the first slot of the frame. */
    slot: Slot.optional(),
    /** Of a complaint: what has no receipt. */
    message: MessageId.optional(),
    seenMs: z.int().nonnegative(),
    sizeBytes: z.int().positive(),
    /** Of a complaint: whether the message stands in its feed by now, as far as is known here. */
    settled: z.boolean().optional(),
  }),
)
export type EvidenceView = ValueOf<typeof EvidenceView>
