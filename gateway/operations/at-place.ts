import {
  type CallOptions,
  Failure,
  type MessageId,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
  type Slot,
} from '../../protocol/index.ts'
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
  const description = await knownProcess(parts, process)
  return untilKnown(parts.clock, options, async left => {
    const slot = typeof at === 'number' ? at : await parts.log.messages.slotOf(process, at)
    if (slot === undefined) throw new Failure('unknown-message', { process, message: at })
    await refuseUncommon(parts, description, slot)
    return ask(slot, left)
  })
}

const NO_SLOTS = { firstSlot: 0, count: 0 }

/** Where the schedulers of a process signed two feeds, nothing is final behind what both have in common. */
async function refuseUncommon(
  { evidence, log }: OperationParts,
  process: ProcessDescription,
  slot: Slot,
): Promise<void> {
  const blocks = evidence?.endOf(process)
  if (blocks === undefined) return
  const last = blocks === 0 ? undefined : await log.block(messagesFeed(process), blocks - 1)
  const { firstSlot, count } = last === undefined ? NO_SLOTS : readFrameHead(last)
  const slots = firstSlot + count
  if (slot >= slots) throw new Failure('equivocated', { process: process.id, slot, slots })
}
