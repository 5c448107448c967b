import { Failure } from '../protocol/index.ts'

/** A time span: milliseconds, or a number and its unit, such as `'80ms'`, `'1.5s'`, `'2h'`. */
export type Duration = number | `${number}${'us' | 'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
}

/** Microseconds. @throws {Failure} `bad-config` */
export function microsecondsOf(duration: Duration): number {
  const [, count = '', unit = 'ms'] =
    /^(\d+(?:\.\d+)?)(us|ms|s|m|h|d)?$/.exec(String(duration)) ?? []
  const us = Number(count) * (UNITS_US[unit] ?? 0)
  if (count !== '' && Number.isSafeInteger(Math.round(us))) return Math.round(us)
  throw new Failure(
    'bad-config',
    { duration: String(duration) },
    { note: "expected '80ms', '1.5s', '2h' or milliseconds" },
  )
}

export const millisecondsOf = (duration: Duration): number => microsecondsOf(duration) / 1000
