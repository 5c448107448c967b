import { readFrameHead } from './frame.ts'
import type { Slot } from './ids.ts'
import type { FeedSpec, Log } from './ports.ts'

/** Where a slot stands in a feed. */
export interface FoundFrame {
  readonly index: number
  readonly bytes: Uint8Array
  readonly firstSlot: Slot
  readonly count: number
}

/** The frame that holds `slot`, by binary search over frame heads; nothing if the feed has not reached it. */
export async function findFrame(log: Log, feed: FeedSpec, slot: Slot): Promise<FoundFrame | undefined> {
  let low = 0
  let high = (await log.length(feed)) - 1
  while (low <= high) {
    const index = (low + high) >>> 1
    const bytes = await log.block(feed, index)
    if (bytes === undefined) return undefined
    const { firstSlot, count } = readFrameHead(bytes)
    if (slot < firstSlot) high = index - 1
    else if (slot >= firstSlot + count) low = index + 1
    else return { index, bytes, firstSlot, count }
  }
  return undefined
}

/** How many slots a feed has. */
export async function slotCount(log: Log, feed: FeedSpec): Promise<Slot> {
  const length = await log.length(feed)
  if (length === 0) return 0
  const last = await log.block(feed, length - 1)
  if (last === undefined) return 0
  const { firstSlot, count } = readFrameHead(last)
  return firstSlot + count
}
