/** Slots of an engine's own frame, whatever the function: measured, with room to spare. */
export const FRAME_SLOTS = 10

/** Slots that a host adds to the depth while it calls back into the guest: its own frames. */
export const REENTRY_SLOTS = 256

/** No tier takes more for a slot: test/processes/rewriter/engine-modes.test.ts. */
const BYTES_PER_SLOT = 8

/** For the host below the guest, and for the last frame, which need not be counted. */
const MARGIN_BYTES = 256 * 1024

/** The stack that a thread needs to run guests with this depth limit, for `--stack-size`. */
export const stackBytesFor = (frameSlotsMax: number): number => frameSlotsMax * BYTES_PER_SLOT + MARGIN_BYTES
