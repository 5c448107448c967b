import { agent } from './agent.ts'
import type { Task } from './task.ts'
import { AgentError } from './agent-error.ts'
import { type Duration, durationMs } from '../../../contract/index.ts'
import { msFromNow } from './from-now.ts'
import { setTimer } from './outbox.ts'
import { making } from './slot.ts'

/** The timer that fires at the earliest deadline of a call or sleep. */
export const WAKE_TIMER = 'agent/wake'
const SLEEPS_MAX = 10_000
const SLEEP_MIN_MS = 1000

/** Has the process wake at `ms` or earlier. A deadline that falls away leaves its timer: it fires once, for nothing. */
export function wakeAt(ms: number): void {
  if (agent.wakeMs !== undefined && agent.wakeMs <= ms) return
  agent.wakeMs = ms
  setTimer(WAKE_TIMER, ms)
}

/** Sets the timer again after it fired. */
export function rearm(): void {
  agent.wakeMs = undefined
  let earliest: number | undefined
  for (const { deadlineMs } of agent.calls.values()) {
    if (earliest === undefined || deadlineMs < earliest) earliest = deadlineMs
  }
  for (const { dueMs } of agent.sleeps.values()) {
    if (earliest === undefined || dueMs < earliest) earliest = dueMs
  }
  if (earliest !== undefined) wakeAt(earliest)
}

/** Calls `wake` once that time has passed; gives a number to cancel it by. */
export function sleepFor(
  task: Task | undefined,
  duration: Duration,
  wake: () => void,
  { isRepeated = false, fail }: { readonly isRepeated?: boolean; readonly fail?: (error: unknown) => void } = {},
): number {
  if (agent.facts === undefined)
    throw new AgentError('unavailable', 'timers are not available while the module is loaded')
  if (agent.sleeps.size >= SLEEPS_MAX) throw new AgentError('sleep-limit', `more than ${SLEEPS_MAX} timers wait`)
  const ms = Math.max(SLEEP_MIN_MS, durationMs(duration))
  const dueMs = msFromNow(ms)
  const number = ++agent.lastNumber
  agent.sleeps.set(number, { task, dueMs, everyMs: isRepeated ? ms : undefined, wake, fail })
  wakeAt(dueMs)
  making().isAsync = true
  return number
}
