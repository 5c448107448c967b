import * as limits from './limits.ts'

/** Every bound of limits.ts by its name, those beyond 2^53 as decimal text. */
export const ALL_LIMITS: Readonly<Record<string, number | string>> = Object.fromEntries(
  Object.entries(limits).map(([name, value]) => [name, typeof value === 'bigint' ? value.toString() : value]),
)
