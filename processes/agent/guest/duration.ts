import { AgentError } from './agent-error.ts'

/** `'90s'`, `'1h30m'`, `'250ms'`, `'2d'`, or a number of milliseconds. */
export type Duration = string | number

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/
const PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g

/** Milliseconds, at least 0. @throws {AgentError} `bad-duration` */
export function toMs(duration: Duration): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0)
    return Math.round(duration)
  if (typeof duration !== 'string' || !WHOLE.test(duration))
    throw new AgentError('bad-duration', `expected a duration such as '30s', got ${duration}`)
  let ms = 0
  for (const [, count, unit] of duration.matchAll(PART))
    ms += Number(count) * (UNITS[unit ?? ''] ?? 0)
  return Math.round(ms)
}
