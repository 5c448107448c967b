import {
  type Assignment,
  asProcessId,
  decodeFrame,
  Failure,
  findFrame,
  isId,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type Slot,
  slotCount,
} from '../../protocol/index.ts'

/** An assignment with its slot. */
export interface SlotEntry extends Assignment {
  readonly slot: Slot
}

/** The process of that id. @throws {Failure} `malformed-request`, `unknown-process` */
export async function knownProcess(log: Log, id: string): Promise<ProcessDescription> {
  if (!isId(id)) throw new Failure('malformed-request', {}, { note: 'a process id has 43 characters of base64url' })
  const process = await log.directory.process(asProcessId(id))
  if (process === undefined) throw new Failure('unknown-process', { process: id })
  return process
}

/** How many slots the feed of `process` has. */
export function countSlots(log: Log, process: ProcessDescription): Promise<Slot> {
  return slotCount(log, messagesFeed(process))
}

/** Assignments of [from, to) in slot order, as far as the feed has them. */
export async function* readSlots(
  log: Log,
  process: ProcessDescription,
  from: Slot,
  to: Slot = Infinity,
): AsyncGenerator<SlotEntry> {
  if (from >= to) return
  const feed = messagesFeed(process)
  const start = await findFrame(log, feed, from)
  if (start === undefined) return
  for await (const bytes of log.blocks(feed, start.index)) {
    const { firstSlot, assignments } = decodeFrame(bytes)
    for (const [position, assignment] of assignments.entries()) {
      const slot = firstSlot + position
      if (slot >= to) return
      if (slot >= from) yield { slot, ...assignment }
    }
  }
}

/** The assignment in a slot, or nothing if the feed has not reached it. */
export async function readSlot(log: Log, process: ProcessDescription, slot: Slot): Promise<SlotEntry | undefined> {
  for await (const entry of readSlots(log, process, slot, slot + 1)) return entry
  return undefined
}

/** The first slot later than `timestampMs`; the feed's slot count if there is none. */
export async function slotAfter(log: Log, process: ProcessDescription, timestampMs: number): Promise<Slot> {
  const feed = messagesFeed(process)
  let low = 0
  let high = await log.length(feed)
  let found: Slot | undefined
  // Timestamps never decrease along a feed, so the frames can be searched by their last one.
  while (low < high) {
    const index = (low + high) >>> 1
    const bytes = await log.block(feed, index)
    if (bytes === undefined) break
    const { firstSlot, assignments } = decodeFrame(bytes)
    const position = assignments.findIndex(assignment => assignment.timestampMs > timestampMs)
    if (position < 0) low = index + 1
    else {
      high = index
      found = firstSlot + position
    }
  }
  return found ?? slotCount(log, feed)
}
