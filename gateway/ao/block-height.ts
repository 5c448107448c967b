const FIRST_HEIGHT = 1_500_000
const FIRST_MS = 1_700_000_000_000
const BLOCK_MS = 120_000

/**
 * The block height AO's wire shows for a time. There is no block chain behind it: AO programs read
 * heights as a slow clock, so it is one, a block every two minutes.
 */
export function blockHeight(timestampMs: number): number {
  return FIRST_HEIGHT + Math.floor((timestampMs - FIRST_MS) / BLOCK_MS)
}

/** When the block of `height` begins, in ms since 1970. */
export function blockStartMs(height: number): number {
  return FIRST_MS + (height - FIRST_HEIGHT) * BLOCK_MS
}

/** A height as AO's scheduler unit writes it: 12 digits. */
export function paddedHeight(timestampMs: number): string {
  return String(blockHeight(timestampMs)).padStart(12, '0')
}
