const FIRST_MS = 50
const MAX_MS = 60_000

/**
 * How long to wait before attempt `attempt` (from 1): doubling, with the upper half at random, so that
 * those who failed together do not come back together. `random` is from [0, 1).
 */
export function backOffMs(attempt: number, random: number): number {
  const most = Math.min(MAX_MS, FIRST_MS * 2 ** (attempt - 1))
  return most / 2 + (most / 2) * random
}
