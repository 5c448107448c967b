import {
  type CellKey,
  type GuestContext,
  type Tag,
  TIMER_INTERVAL_MIN_MS,
} from '../../protocol/index.ts'
import { blocksToMs } from './block-height.ts'

/** A `Cron-Interval` tag of a process, with the `Cron-Tag-…` tags after it. */
export interface Cron {
  /** Key of its timer: position and interval. */
  readonly key: CellKey
  readonly everyMs: number
  readonly tags: readonly Tag[]
}

const SECOND = 1000
const DAY = 86_400 * SECOND
const UNITS_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: SECOND,
  minute: 60 * SECOND,
  hour: 3600 * SECOND,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
  year: 365 * DAY,
  block: blocksToMs(1),
}

const INTERVAL = /^(\d{1,9})-([a-z]+?)s?$/i
const TAG_PREFIX = 'Cron-Tag-'

/** The crons that the tags of a process ask for, in order; what cannot be read is left out. */
export function readCrons(tags: readonly Tag[]): readonly Cron[] {
  const crons: { key: CellKey; everyMs: number; tags: Tag[] }[] = []
  for (const { name, value } of tags) {
    if (name === 'Cron-Interval') {
      const everyMs = intervalMs(value)
      if (everyMs !== undefined)
        crons.push({ key: `cron-${crons.length}-${value.toLowerCase()}`, everyMs, tags: [] })
    } else if (name.startsWith(TAG_PREFIX)) {
      crons.at(-1)?.tags.push({ name: name.slice(TAG_PREFIX.length), value })
    }
  }
  return crons
}

function intervalMs(text: string): number | undefined {
  const match = INTERVAL.exec(text)
  const unit = UNITS_MS[match?.[2]?.toLowerCase() ?? '']
  if (match === null || unit === undefined) return undefined
  const ms = Number(match[1]) * unit
  return ms > 0 ? Math.max(ms, TIMER_INTERVAL_MIN_MS) : undefined
}

/** Sets the timers of a new process. */
export function startCrons(tags: readonly Tag[], timestampMs: number, context: GuestContext): void {
  for (const cron of readCrons(tags))
    context.setTimer(cron.key, timestampMs + cron.everyMs, cron.everyMs)
}

/** Tags of the message that timer `key` brings. */
export function cronTags(tags: readonly Tag[], key: CellKey | undefined): readonly Tag[] {
  return readCrons(tags).find(cron => cron.key === key)?.tags ?? []
}
