import type { CallOptions, MessageId, ProcessId, Slot } from '../protocol/index.ts'
import { untilThere } from './retry.ts'
import type { Transport } from './transport.ts'

export interface ProofOptions extends CallOptions {
  /** Bring the message along: the proof then shows what was asked, and by whom. */
  readonly message?: boolean | undefined
  /** Bring the whole result along, whatever its size; a short output is in every proof. */
  readonly output?: boolean | undefined
}

/** Fetches a proof; waits for the result. Nothing of it is believed until it is checked. */
export function exportProof(
  transport: Transport,
  place: { readonly process: ProcessId; readonly at: Slot | MessageId },
  { message, output, ...limits }: ProofOptions,
  timeoutMs: number,
): Promise<Uint8Array> {
  return untilThere(transport, limits, timeoutMs, (wait_ms, left) =>
    transport.request('proof', { ...place, message, output, wait_ms }, left),
  )
}
