/**
 * Gas of what the host does for an agent, besides what its code uses itself (protocol: part of the runtime's
 * version). The same prices as for actors, rounded to whole messages.
 */
export const AGENT_GAS = {
  /** Once a run, with each byte of the message. */
  deliver: 2_000,
  deliverByte: 2,
  send: 10_000,
  sendByte: 8,
  spawn: 100_000,
  timer: 4_000,
  outputByte: 4,
  /** Each byte of JSON that the host writes, and each field and item it looks at. */
  jsonStep: 64,
  logLine: 500,
  logByte: 4,
  random: 1_000,
  child: 1_000,
  /** Each chunk of memory that a run stored to: it is copied and hashed. */
  chunk: 8_192,
} as const

/** Gas of what runs when a module is loaded: its top level, its schemas. */
export const LOAD_GAS = 20_000_000_000n

const RESERVE_MAX = 10_000_000n

/**
 * What is left of so much gas when code is interrupted: the engine asks once in 10,000 rounds of loops and calls, and then knows the place
 * where it is. Short loops have spent less than this between two questions; others stop later, at the end of their gas.
 */
export function gasReserveOf(gas: bigint): bigint {
  const part = gas / 64n
  return part < RESERVE_MAX ? part : RESERVE_MAX
}
