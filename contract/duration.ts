/** A length of time: milliseconds, or a number with its unit: '250ms', '30s', '2m', '1.5h', '7d'. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Whole milliseconds of a duration, rounded up. @throws {RangeError} if it is none, is negative or not finite */
export function durationMs(duration: Duration): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|[smhd])$/.exec(String(duration)) ?? []
  const ms = digits === undefined ? Number(duration) : Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (typeof duration === 'string' && digits === undefined) throw notOne(duration)
  if (!Number.isFinite(ms) || ms < 0) throw notOne(duration)
  return Math.ceil(ms)
}

function notOne(duration: unknown): RangeError {
  return new RangeError(`expected a duration like '30s' or 1500, got ${JSON.stringify(duration)}`)
}
