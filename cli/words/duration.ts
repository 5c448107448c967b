import { Failure } from '../../protocol/index.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Reads `500ms`, `30s`, `2m` or `1h` as milliseconds; a bare number is seconds. @throws {Failure} `usage` */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  const scale = UNITS_MS[unit]
  if (number === undefined || scale === undefined) {
    throw new Failure('usage', { value: text }, { note: 'expected a time such as 500ms, 30s or 2m' })
  }
  return Math.round(Number(number) * scale)
}

/** Shows a time in the unit that fits: `7 ms`, `1.4 s`, `3 min`. */
export function showDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = ms / 60_000
  return minutes < 60 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`
}
