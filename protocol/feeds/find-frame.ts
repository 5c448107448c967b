import { readFrameHead } from './frame.ts'
import type { Slot } from '../ids.ts'
import type { FeedSpec, Log } from '../ports.ts'

/** Where a slot stands in a feed. */
export interface FoundFrame {
  readonly index: number
  readonly bytes: Uint8Array
  readonly firstSlot: Slot
  readonly count: number
}

/** Frames of the same feed that are known already: the nearest before the slot and the nearest behind it. */
export interface Neighbours {
  readonly below?: Omit<FoundFrame, 'bytes'> | undefined
  readonly above?: Omit<FoundFrame, 'bytes'> | undefined
}

/**
 * The frame that holds `slot`; nothing if the feed has not reached it. Frames of a feed are much alike, so it is looked for where it
 * would be if all were of one size, and each third time in the middle of what is left: a few looks for most, and never many. Who walks along a feed names what was found before: then it is one look.
 */
export async function findFrame(
  log: Log,
  feed: FeedSpec,
  slot: Slot,
  { below, above }: Neighbours = {},
): Promise<FoundFrame | undefined> {
  let low = below === undefined ? 0 : below.index + 1
  let lowSlot = below === undefined ? 0 : below.firstSlot + below.count
  let high = above === undefined ? await log.length(feed) : above.index
  let highSlot = above === undefined ? await slotCount(log, feed) : above.firstSlot
  if (slot >= highSlot) return undefined
  for (let look = 1; low < high; look++) {
    const part = look % 3 === 0 ? 0.5 : (slot - lowSlot) / (highSlot - lowSlot)
    const index = low + Math.floor(part * (high - low))
    const bytes = await log.block(feed, index)
    if (bytes === undefined) return undefined
    const { firstSlot, count } = readFrameHead(bytes)
    if (slot < firstSlot) [high, highSlot] = [index, firstSlot]
    else if (slot >= firstSlot + count) [low, lowSlot] = [index + 1, firstSlot + count]
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
