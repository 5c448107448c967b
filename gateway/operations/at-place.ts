import { type CallOptions, Failure, type MessageId, type ProcessId, type Slot } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { knownProcess } from './processes.ts'
import { untilKnown } from './until-known.ts'

/** Finds the slot of `at`, waiting for the message to stand there if need be, and asks for what is there. */
export async function atPlace<T>(
  parts: OperationParts,
  { process, at }: { process: ProcessId; at: Slot | MessageId },
  options: CallOptions & { readonly timeoutMs: number },
  ask: (slot: Slot, options: CallOptions) => Promise<T>,
): Promise<T> {
  await knownProcess(parts, process)
  return untilKnown(parts.clock, options, async left => {
    if (typeof at === 'number') return ask(at, left)
    const slot = await parts.log.messages.slotOf(process, at)
    if (slot === undefined) throw new Failure('unknown-message', { process, message: at })
    return ask(slot, left)
  })
}
