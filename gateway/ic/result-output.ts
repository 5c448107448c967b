import {
  type CanisterOutput,
  decodeCanisterOutput,
  decodeResult,
  MalformedBytes,
  type ProcessId,
  type Result,
  type Slot,
} from '../../protocol/index.ts'
import type { EvaluatedResults } from './parts.ts'

/** What slots of a canister gave, taken apart once for all who look. */
export interface EvaluatedOutputs {
  readonly process: ProcessId
  readonly firstSlot: Slot
  outputs(): readonly { readonly result: Result; readonly output: CanisterOutput | undefined }[]
}

/** The same results with their outputs, which are read when somebody first asks. */
export function withOutputs({ process, firstSlot, results }: EvaluatedResults): EvaluatedOutputs {
  let read: ReturnType<EvaluatedOutputs['outputs']> | undefined
  const outputs = (): ReturnType<EvaluatedOutputs['outputs']> => {
    read ??= results().map(bytes => {
      const result = decodeResult(bytes)
      return { result, output: outputOfResult(result) }
    })
    return read
  }
  return { process, firstSlot, outputs }
}

/** What a slot of a canister gave; nothing, if it was no slot of one. */
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
