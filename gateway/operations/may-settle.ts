import { Buffer } from 'node:buffer'
import type { Result } from '../../protocol/index.ts'

/** What stands in the JSON of an output in which messages of earlier slots came to their end. */
const SETTLED = '"settled"'
/** The major type of a CBOR array, which the output of a canister is: no text begins so. */
const CBOR_ARRAY = 4

/** Whether messages of earlier slots may have come to their end in this one; whoever wants to know for certain reads the output. */
export function maySettle({ status, output }: Pick<Result, 'status' | 'output'>): boolean {
  if (status !== 'ok') return false
  if ((output[0] ?? 0) >> 5 === CBOR_ARRAY) return true
  return Buffer.from(output.buffer, output.byteOffset, output.length).includes(SETTLED)
}
