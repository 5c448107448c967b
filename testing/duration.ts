import { type Duration, durationMs } from '../contract/index.ts'
import { Failure } from '../protocol/index.ts'

/** Microseconds; a number is milliseconds and need not be whole. @throws {Failure} `bad-config` */
export function microsecondsOf(duration: Duration): number {
  if (typeof duration === 'number' && duration >= 0 && Number.isFinite(duration)) return Math.round(duration * 1000)
  try {
    return durationMs(duration) * 1000
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new Failure('bad-config', { duration: String(duration) }, { cause, note: cause.message })
  }
}

export const millisecondsOf = (duration: Duration): number => microsecondsOf(duration) / 1000
