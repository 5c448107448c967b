/** Arweave's blocks come every two minutes; heights were about 1.5 million at this time. */
const ORIGIN_HEIGHT = 1_500_000
const ORIGIN_MS = 1_700_000_000_000

/** Length of a block, for AO's `Cron-Interval: <n>-blocks`. */
export const BLOCK_MS = 120_000

/**
 * The block height that AO programs and AO's wire are told for a time (milliseconds since 1970). There is no block
 * chain behind it: programs read heights as a slow clock, so it is one.
 */
export function blockHeightAt(timestampMs: number): number {
  return ORIGIN_HEIGHT + Math.floor((timestampMs - ORIGIN_MS) / BLOCK_MS)
}

/** When the block of `height` begins, in milliseconds since 1970. */
export function blockStartMs(height: number): number {
  return ORIGIN_MS + (height - ORIGIN_HEIGHT) * BLOCK_MS
}
