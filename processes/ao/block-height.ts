/** Arweave's blocks come every two minutes; heights were about 1.5 million at this time. */
const ORIGIN_HEIGHT = 1_500_000
const ORIGIN_MS = 1_700_000_000_000
const BLOCK_MS = 120_000

/**
 * The height that AO programs are told for a slot's timestamp (milliseconds since 1970). There are
 * no blocks here: programs use the height as a slow clock, so it is one.
 */
export function blockHeightAt(timestampMs: number): number {
  return ORIGIN_HEIGHT + Math.floor((timestampMs - ORIGIN_MS) / BLOCK_MS)
}
