import {
  BLOCK_MS,
  CRON_TIMER_PREFIX,
  type Tag,
  type Timer,
  TIMER_INTERVAL_MIN_MS,
  TIMERS_MAX,
} from '../../protocol/index.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
  block: BLOCK_MS,
}

/** A cron of AO: a timer, and the tags its messages carry. */
export interface Cron {
  readonly timer: Timer
  readonly tags: readonly Tag[]
}

/**
 * Reads AO's cron tags: each `Cron-Interval: <n>-<unit>` opens a cron, the `Cron-Tag-<name>` tags that follow belong to it.
 * Intervals that make no sense are passed over, as in AO.
 */
export function readCrons(tags: readonly Tag[], fromMs: number): Cron[] {
  const crons: { timer: Timer; tags: Tag[] }[] = []
  let current: { timer: Timer; tags: Tag[] } | undefined
  for (const tag of tags) {
    if (tag.name === 'Cron-Interval') {
      current = crons.length < TIMERS_MAX ? cronOf(tag.value, crons.length, fromMs) : undefined
      if (current !== undefined) crons.push(current)
    } else if (tag.name.startsWith('Cron-Tag-') && current !== undefined) {
      current.tags.push({ name: tag.name.slice('Cron-Tag-'.length), value: tag.value })
    }
  }
  return crons
}

function cronOf(interval: string, index: number, fromMs: number): { timer: Timer; tags: Tag[] } | undefined {
  const [count, unit] = interval.trim().split('-')
  const unitMs = UNITS_MS[(unit ?? '').toLowerCase().replace(/s$/, '')]
  const everyMs = Number(count) * (unitMs ?? Number.NaN)
  if (!Number.isSafeInteger(everyMs) || everyMs <= 0) return undefined
  const bounded = Math.max(everyMs, TIMER_INTERVAL_MIN_MS)
  const dueMs = fromMs + bounded
  if (!Number.isSafeInteger(dueMs)) return undefined
  // Not the tag's text: a key is bytes, and that may be anything.
  return { timer: { key: `${CRON_TIMER_PREFIX}${index}-${everyMs}`, dueMs, everyMs: bounded }, tags: [] }
}
