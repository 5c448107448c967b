/** Gas of one host call: a base, and a rate for each byte it moves. */
export interface HostCost {
  readonly base: number
  readonly byte: number
}

/**
 * Gas of what the host does for a guest (protocol: a change is a change of the ABI's version).
 * One unit is about one simple machine operation, as in the rewriter's table; measured times of the
 * host calls were rounded up.
 */
export const HOST_COSTS = {
  /** Once a run, with each byte of the message. */
  deliver: { base: 2_000, byte: 2 },
  /** Signed, hashed and carried to another process. */
  send: { base: 10_000, byte: 8 },
  /** A process is made: feeds, keys, a place in every index. */
  spawn: { base: 100_000, byte: 8 },
  assign: { base: 10_000, byte: 8 },
  reply: { base: 1_000, byte: 4 },
  log: { base: 500, byte: 4 },
  fail: { base: 500, byte: 4 },
  now: { base: 50, byte: 0 },
  /** A hash for each 32 bytes. */
  random: { base: 1_000, byte: 32 },
  self: { base: 200, byte: 0 },
  get: { base: 1_000, byte: 1 },
  /** Hashed into the state root, written at a checkpoint. */
  set: { base: 4_000, byte: 8 },
  delete: { base: 4_000, byte: 1 },
  add: { base: 4_000, byte: 1 },
  scan: { base: 4_000, byte: 2 },
  setTimer: { base: 4_000, byte: 8 },
  clearTimer: { base: 2_000, byte: 1 },
  /** Each key a scan finds, whether or not it fits. */
  scanKey: { base: 400, byte: 2 },
} as const satisfies Record<string, HostCost>

/** Each chunk of kept memory that a run stored to: it is copied and hashed. */
export const CHANGED_CHUNK_COST = 8_192
/** Each chunk of scratch memory that a run stored to: it is set back. */
export const SCRATCH_CHUNK_COST = 512
