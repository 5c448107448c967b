import type { Log, MessageId, ProcessDescription, Slot } from '../../protocol/index.ts'
import type { AssignmentChain } from './assignment-chain.ts'
import { countSlots } from './feed-reader.ts'

/**
 * The slot of `process` that AO's wire means by `id`: a message there, the process itself (slot 0), an
 * assignment item, or a message that was assigned; nothing if there is none.
 */
export async function locateSlot(
  log: Log,
  chain: AssignmentChain,
  process: ProcessDescription,
  id: MessageId,
): Promise<Slot | undefined> {
  if (String(id) === String(process.id)) return 0
  const slot = await log.messages.slotOf(process.id, id)
  return slot ?? chain.slotOf(process, id, await countSlots(log, process))
}
