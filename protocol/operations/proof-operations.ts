import { z } from 'zod'
import { EVIDENCE_KINDS } from '../proofs/evidence.ts'
import { EvidenceId, EvidenceView } from './evidence-view.ts'
import { ProcessId } from '../ids.ts'
import { EVIDENCE_SIZE_MAX_BYTES, WAIT_MAX_MS } from '../limits/limits.ts'
import type { OperationRow } from './operation.ts'
import { bytes, CBOR_MEDIA_TYPE, ITEM_MEDIA_TYPE, json, read, write } from './operation-shapes.ts'
import { BooleanText, naturalText, PlaceText } from '../codec/wire.ts'

/** Rows of the table of operations: what proves things to whoever believes nobody. */
export const PROOF_OPERATIONS = {
  proof: {
    ...read,
    path: '/v1/processes/{process}/results/{at}/proof',
    params: z.strictObject({ process: ProcessId, at: PlaceText }),
    query: z.strictObject({
      message: BooleanText.optional(),
      output: BooleanText.optional(),
      wait_ms: naturalText(WAIT_MAX_MS).optional(),
    }),
    summary:
      'All that proves the result of a slot or of a message, to be checked offline; with the message and the output, if asked for',
    answer: bytes(CBOR_MEDIA_TYPE, 'A proof of one result: see docs/PROTOCOL.md.'),
  },
  listEvidence: {
    ...read,
    path: '/v1/evidence',
    query: z.strictObject({ process: ProcessId.optional(), kind: z.enum(EVIDENCE_KINDS).optional() }),
    summary: 'What shows, or says, that somebody broke the rules, newest first; all of it was checked here',
    answer: json(z.object({ evidence: z.array(EvidenceView) })),
  },
  evidence: {
    ...read,
    path: '/v1/evidence/{evidence}',
    params: z.strictObject({ evidence: EvidenceId }),
    summary: 'One piece of evidence, byte for byte, to be checked offline',
    answer: bytes(CBOR_MEDIA_TYPE, 'See docs/protocol/proofs.md.'),
  },
  addEvidence: {
    ...write,
    path: '/v1/evidence',
    summary: 'Hand in evidence; it is checked, acted upon, and handed on to other nodes',
    body: {
      kind: 'bytes',
      mediaType: ITEM_MEDIA_TYPE,
      limitBytes: EVIDENCE_SIZE_MAX_BYTES,
      what: 'One piece of evidence.',
    },
    answer: json(z.object({ evidence: EvidenceId, isNew: z.boolean() })),
  },
} as const satisfies Record<string, OperationRow>
