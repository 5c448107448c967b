/** Bounds between several schedulers of one process: part of the table in limits.ts. */

/** (protocol) Keys among the signers of one feed: Hypercore asks each for its place in one byte, and people for their names. */
export const SCHEDULERS_MAX = 32
/** Frames in one proposal: what comes while one is under way goes into the next. */
export const CO_SIGNED_BLOCKS_MAX = 64
/** A leader whose clock is ahead by more than this gets no signatures. */
export const CLOCK_AHEAD_MAX_MS = 60_000
/** How long a leader waits for signatures before it says that there are too few. */
export const CO_SIGN_WAIT_MS = 8_000
/** What one scheduler waits for the answer of another. */
export const CO_SIGN_CALL_MS = 2_500
/** How long a scheduler tries to have a message scheduled by whoever leads, before it gives up. */
export const CO_SIGN_ROUTE_MS = 25_000
/** Between one scheduler giving up on a leader and the next doing so: the first in line should be done by then. */
export const TAKE_OVER_STEP_MS = 400
/** What was accepted and has not settled after this long is asked after, and taken over if nobody answers. */
export const UNSETTLED_MAX_MS = 3_000
