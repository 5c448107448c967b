import { Cron } from 'croner'
import { agent, implementation, type Schedule } from './agent.ts'
import { AgentError, tell } from './agent-error.ts'
import { checkGiven, own } from './definition.ts'
import { type Duration, durationMs } from '../../../contract/index.ts'
import { LATEST_MS, msFromNow } from './from-now.ts'
import { clearTimer, setTimer } from './outbox.ts'
import { slot } from './slot.ts'

export const SCHEDULE_PREFIX = 'schedule/'
/** The host has 64 timers; some are not ours. */
const SCHEDULES_MAX = 56
const PERIOD_MIN_MS = 1000
/** Minute, hour, day, month and weekday, and before or behind them second and year; or a name of one, such as @daily. */
const PATTERN = /^\s*(?:@\w+|\S+(?:\s+\S+){4,6})\s*$/
const KEY = /^[\x21-\x7e]{1,55}$/

export interface When {
  readonly in?: Duration
  readonly at?: Date | string | number
  readonly every?: Duration
  readonly cron?: string
  readonly key?: string
}

/** Has `message` handled later, as from the process itself. The same key replaces. */
export function setSchedule(when: When, message: string, input: unknown): void {
  const { contract } = implementation()
  const shape = own(contract.messages, message)
  if (shape === undefined)
    throw new AgentError('unknown-action', `${contract.name} has no message ${message} to schedule`)
  checkGiven(shape.input, input, 'bad-input', message)
  const key = keyOf(when)
  const schedule = { message, input: copyOf(input), ...timesOf(when) }
  if (!agent.schedules.has(key) && agent.schedules.size >= SCHEDULES_MAX)
    throw new AgentError('schedule-limit', `more than ${SCHEDULES_MAX} schedules`)
  agent.schedules.set(key, schedule)
  armSchedule(key, schedule)
}

export function armSchedule(key: string, { dueMs, everyMs }: Schedule): void {
  setTimer(SCHEDULE_PREFIX + key, dueMs, everyMs)
}

/** One that has fired comes again, or is over. */
export function setAgain(key: string, schedule: Schedule): void {
  const { everyMs, cron } = schedule
  const dueMs = cron === undefined ? everyMs && msFromNow(everyMs) : nextOf(cron)
  if (dueMs === undefined) {
    agent.schedules.delete(key)
    return
  }
  schedule.dueMs = dueMs
  // The host repeats what has a period.
  if (cron !== undefined) armSchedule(key, schedule)
}

export function cancelSchedule(key: string): void {
  if (agent.schedules.delete(key)) clearTimer(SCHEDULE_PREFIX + key)
}

function keyOf({ key, every, cron }: When): string {
  if (key === undefined) {
    if (every !== undefined || cron !== undefined)
      throw new AgentError(
        'bad-schedule',
        "a repeated schedule needs a 'key': the same key replaces, so it never doubles",
      )
    return `#${++agent.lastNumber}`
  }
  if (!KEY.test(key)) throw new AgentError('bad-schedule', 'a key has 1 to 55 printable ASCII characters and no spaces')
  return key
}

function timesOf(when: When): Pick<Schedule, 'dueMs' | 'everyMs' | 'cron'> {
  const { in: after, at, every, cron } = when
  if ([after, at, every, cron].filter(part => part !== undefined).length !== 1)
    throw new AgentError('bad-schedule', "expected one of 'in', 'at', 'every' and 'cron'")
  if (cron !== undefined) {
    const dueMs = nextOf(cron)
    if (dueMs === undefined) throw new AgentError('bad-schedule', `cron '${cron}' is never due`)
    return { dueMs, everyMs: undefined, cron }
  }
  if (every !== undefined) {
    const everyMs = Math.min(Math.max(PERIOD_MIN_MS, durationMs(every)), LATEST_MS)
    return { dueMs: msFromNow(everyMs), everyMs, cron: undefined }
  }
  const dueMs = after === undefined ? new Date(at ?? Number.NaN).getTime() : msFromNow(durationMs(after))
  if (!Number.isFinite(dueMs)) throw new AgentError('bad-schedule', `expected a time, got ${String(at)}`)
  // What is past is due at once.
  return { dueMs: Math.max(0, dueMs), everyMs: undefined, cron: undefined }
}

/** When a cron pattern, in UTC, is due next; undefined: never again. */
function nextOf(pattern: string): number | undefined {
  if (!PATTERN.test(pattern))
    throw new AgentError('bad-schedule', `expected a cron pattern like '30 6 * * *', got '${pattern}'`)
  try {
    return new Cron(pattern, { paused: true, utcOffset: 0 }).nextRun(new Date(slot.nowMs))?.getTime()
  } catch (error) {
    throw new AgentError('bad-schedule', `cron '${pattern}': ${tell(error).message}`)
  }
}

/** As it is now, whatever becomes of the original. */
const copyOf = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
