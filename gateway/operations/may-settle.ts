import { Buffer } from 'node:buffer'
import { equalBytes, type Result } from '../../protocol/index.ts'

/** What stands in the JSON of an output in which messages of earlier slots came to their end. */
const SETTLED = '"settled"'
/** The major type of a CBOR array, which the output of a canister is: no text begins so. */
const CBOR_ARRAY = 4
/** Where the output of a canister has the head of its list of answers, and what that is for none and for one. */
const ANSWERS_AT = 2
const NO_ANSWERS = 0x80
const ONE_ANSWER = 0x81
/** Where an only answer names its message: behind the heads of the list, of the answer, and of 32 bytes. */
const CALL_AT = ANSWERS_AT + 4

/** Whether messages of earlier slots may have come to their end in this one; whoever wants to know for certain reads the output. */
export function maySettle({ status, output, message }: Pick<Result, 'status' | 'output' | 'message'>): boolean {
  if (status !== 'ok') return false
  if ((output[0] ?? 0) >> 5 !== CBOR_ARRAY)
    return Buffer.from(output.buffer, output.byteOffset, output.length).includes(SETTLED)
  const answers = output[ANSWERS_AT]
  if (answers !== ONE_ANSWER || message === undefined) return answers !== NO_ANSWERS
  return !equalBytes(output.subarray(CALL_AT, CALL_AT + message.length), message)
}
