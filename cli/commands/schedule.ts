import { CRON_TIMER_PREFIX, Failure, SCHEDULE_TIMER_PREFIX, type TimersView, WAKE_TIMER } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { showDuration } from '../words/duration.ts'
import { findProcess } from '../words/find-named.ts'
import { nearWord } from '../../contract/index.ts'
import { safeLine, safeName, showBytes } from '../showing/show-bytes.ts'
import { showControlled } from '../showing/show-controlled.ts'
import { timerKey } from '../words/timer-key.ts'
import { renderTable } from '../showing/table.ts'

type Timer = TimersView['timers'][number]

/** `atoll schedule list`: the timers, and what each is for where the program's document tells it. */
export async function listSchedules(context: CommandContext): Promise<CommandEnd> {
  const process = await findProcess(context, context.positionals[0] ?? '')
  const held = await context.client().processes.timers(process, context.limits)
  const purposes = held.some(({ name }) => name?.startsWith(SCHEDULE_TIMER_PREFIX))
    ? await purposesIn(context, process)
    : new Map<string, Purpose>()
  const timers = held.map(timer => ({ ...timer, ...purposes.get(timer.name ?? '') }))
  context.output.list(
    'schedule',
    'schedules',
    timers.map(timer => ({ process, ...timer })),
    () => (timers.length === 0 ? 'it holds no timers' : tableOf(timers)),
  )
  return undefined
}

function tableOf(timers: readonly (Timer & Purpose)[]): string {
  const now = Date.now()
  return renderTable(
    [
      { title: 'KEY' },
      { title: 'DUE' },
      { title: 'IN', right: true },
      { title: 'EVERY', right: true },
      { title: 'MESSAGE' },
    ],
    timers
      .toSorted((a, b) => a.dueMs - b.dueMs)
      .map(({ key, name, dueMs, everyMs, message, input, cron }) => [
        safeName(timerKey(showBytes(key))),
        new Date(dueMs).toISOString(),
        dueMs > now ? showDuration(dueMs - now) : whyDue(name),
        cron ?? (everyMs === undefined ? 'once' : showDuration(everyMs)),
        message === undefined ? whatRings(name) : safeLine(`${message} ${JSON.stringify(input ?? {})}`),
      ]),
  )
}

/** Why a timer did not ring yet: those of AO's crons wait until some client monitors the process. */
function whyDue(name: string | undefined): string {
  return name?.startsWith(CRON_TIMER_PREFIX) === true ? 'once monitored' : 'overdue'
}

/** What a timer is for that brings no message of a schedule. */
function whatRings(name: string | undefined): string {
  return name === WAKE_TIMER ? '(a sleep, or the timeout of a call)' : ''
}

interface Purpose {
  readonly message?: string
  readonly input?: unknown
  readonly cron?: string
}

/** What the schedules of an agent are for, by the name of their timer; nothing if it cannot tell. */
async function purposesIn(context: CommandContext, process: string): Promise<Map<string, Purpose>> {
  const purposes = new Map<string, Purpose>()
  const { document } = await context
    .client()
    .processes.stateAt(process, context.limits)
    .catch((error: unknown) => {
      if (Failure.is(error, 'no-document')) return { document: {} as Record<string, unknown> }
      throw error
    })
  const { schedules } = document
  for (const schedule of Array.isArray(schedules) ? schedules : []) {
    const { key, message, input, cron } = schedule as Purpose & { key?: unknown }
    purposes.set(SCHEDULE_TIMER_PREFIX + String(key), {
      ...(typeof message === 'string' && { message, input }),
      ...(typeof cron === 'string' && { cron }),
    })
  }
  return purposes
}

/** `atoll schedule cancel` */
export async function cancelSchedule(context: CommandContext): Promise<CommandEnd> {
  const { process, timer } = await findTimer(context)
  const signer = await context.signer()
  const done = await context.client().processes.cancelTimer(process, timer, { signer }, context.limits)
  return showControlled(context, done, {
    type: 'schedule.cancelled',
    done: `cancelled ${timer}`,
    facts: { timer },
  })
}

/** `atoll schedule run-now` */
export async function runSchedule(context: CommandContext): Promise<CommandEnd> {
  const { process, timer } = await findTimer(context)
  const signer = await context.signer()
  const done = await context.client().processes.runTimer(process, timer, { signer }, context.limits)
  return showControlled(context, done, {
    type: 'schedule.run',
    done: `${timer} is due`,
    facts: { timer },
  })
}

/** The timer of that key, with or without the prefix of schedules. @throws {Failure} `unknown-timer` */
async function findTimer(context: CommandContext): Promise<{ process: string; timer: string }> {
  const [name = '', key = ''] = context.positionals
  const process = await findProcess(context, name)
  const timers = await context.client().processes.timers(process, context.limits)
  const found = nameIn(timers, key) ?? nameIn(timers, SCHEDULE_TIMER_PREFIX + key)
  if (found !== undefined) return { process, timer: found }
  const known = timers.flatMap(timer => timer.name ?? []).map(timerKey)
  if (known.length === 0) throw new Failure('unknown-timer', { key }, { note: 'it holds none at all' })
  const near = nearWord(key, known)
  throw new Failure('unknown-timer', { key, known }, near === undefined ? {} : { note: `did you mean "${near}"?` })
}

function nameIn(timers: readonly Timer[], key: string): string | undefined {
  return timers.find(({ name }) => name === key)?.name
}
