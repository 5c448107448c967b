import { z } from 'zod'
import { ProcessId } from './ids.ts'
import { WAIT_MAX_MS } from './limits.ts'
import type { OperationRow } from './operation.ts'
import { bytes, CBOR_MEDIA_TYPE, read } from './operation-shapes.ts'
import { BooleanText, naturalText, PlaceText } from './wire.ts'

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
} as const satisfies Record<string, OperationRow>
