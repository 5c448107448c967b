import { type Duration, durationMs } from '../contract/index.ts'

/** Microseconds; a number is milliseconds and need not be whole. @throws {RangeError} */
export function microsecondsOf(duration: Duration): number {
  if (typeof duration === 'number' && duration >= 0 && Number.isFinite(duration)) return Math.round(duration * 1000)
  return durationMs(duration) * 1000
}

export const millisecondsOf = (duration: Duration): number => microsecondsOf(duration) / 1000
