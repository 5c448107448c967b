import { type Ending, type Guest, type GuestMessage, OUTPUT_SIZE_MAX_BYTES } from '../../protocol/index.ts'
import { GuestLimit } from './guest-limit.ts'
import type { SlotContext } from './slot-context.ts'

/**
 * Runs a guest, and has it end in an error where it broke a limit: one of gas, one of what it may ask its host for, or that of its
 * output. What it did to its state is not undone here.
 */
export function boundedRun(
  guest: Guest,
  message: GuestMessage,
  context: SlotContext,
  limit: bigint,
  outputMaxBytes = guest.outputMaxBytes ?? OUTPUT_SIZE_MAX_BYTES,
): Ending {
  const ending = guarded(guest, message, context, limit)
  if (context.brokenLimit !== undefined) {
    const note = ending.status === 'error' ? ending.note : undefined
    return { status: 'error', gas: ending.gas, error: context.brokenLimit, note }
  }
  if (ending.status === 'ok' && ending.output.length > outputMaxBytes) {
    const message = `output of ${ending.output.length} bytes`
    return { status: 'error', gas: ending.gas, error: { code: 'output-limit', message } }
  }
  return ending
}

function guarded(guest: Guest, message: GuestMessage, context: SlotContext, limit: bigint): Ending {
  try {
    return guest.run(message, context, limit)
  } catch (error) {
    // A limit of ours broke inside a host call; what the guest used up to there is not known exactly.
    if (error instanceof GuestLimit)
      return { status: 'error', gas: limit, error: { code: error.code, message: error.message } }
    throw error
  }
}
