import { type CanisterOutput, decodeCanisterOutput, decodeResult, MalformedBytes, type Result } from '../../protocol/index.ts'

/** What a slot of a canister gave; nothing, if it was no slot of one. */
export function outputOf(resultBytes: Uint8Array): CanisterOutput | undefined {
  return outputOfResult(decodeResult(resultBytes))
}

export function outputOfResult({ status, output }: Result): CanisterOutput | undefined {
  // A trap fails its slot, and answers all the same.
  if (status !== 'ok' && status !== 'error') return undefined
  try {
    const read = decodeCanisterOutput(output)
    return 'answers' in read ? read : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
