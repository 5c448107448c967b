import { TIMER_INTERVAL_MIN_MS } from '../../protocol/index.ts'
import { HEARTBEAT_MS } from './bounds.ts'
import { outOfCycles } from './freezing.ts'
import type { Machine } from './machine.ts'
import type { Slot } from './slot.ts'
import type { CanisterState } from './state.ts'

export const GLOBAL_TIMER = 'ic/timer'
export const HEARTBEAT_TIMER = 'ic/heartbeat'
export const DEADLINE_TIMER = 'ic/deadline'
export const STOP_TIMER = 'ic/stop'
/** For what did not fit the outbox or the output of a slot. */
export const LEAVING_TIMER = 'ic/leaving'

const NS_PER_MS = 1_000_000n
const LATEST_MS = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * Sets the timers of the process to what the canister wants, where a slot changed that since `before`. A canister that does not run
 * keeps its timer; it is armed, and may be due, when the canister starts again, or has the cycles to run.
 */
export function armTimers(machine: Machine, slot: Slot, before: CanisterState): void {
  const { context, message } = slot
  const { timerNs, nextDeadlineNs, status, beats } = machine.state
  const fired = message.kind === 'tick' ? message.timer : undefined
  const runs = status === 'running'
  const starts = runs && before.status !== 'running'
  // One that is due still was passed over by a canister that is frozen, or that was: it is armed again once that can run.
  const isDue = timerNs !== 0n && timerNs <= slot.nowNs
  if (timerNs !== before.timerNs || fired === GLOBAL_TIMER || starts || isDue) {
    if (timerNs === 0n) context.clearTimer(GLOBAL_TIMER)
    else if (runs && !(isDue && outOfCycles(machine, slot.cells) !== undefined)) arm(slot, GLOBAL_TIMER, timerNs)
  }
  if (nextDeadlineNs !== 0n && (before.nextDeadlineNs !== nextDeadlineNs || fired === DEADLINE_TIMER)) {
    arm(slot, DEADLINE_TIMER, nextDeadlineNs)
  }
  const wants = runs && machine.code(slot.cells)?.entries.has('canister_heartbeat') === true
  if (wants === beats) return
  machine.change({ beats: wants })
  if (wants) context.setTimer(HEARTBEAT_TIMER, message.timestampMs + HEARTBEAT_MS, HEARTBEAT_MS)
  else context.clearTimer(HEARTBEAT_TIMER)
}

/** Sets a timer, but for one that rings as soon as any could: set anew by every message, it would never ring. */
function arm({ context, message }: Slot, timer: string, timeNs: bigint): void {
  const dueMs = msOf(timeNs)
  const setMs = context.timerDueMs(timer)
  const soonestMs = message.timestampMs + TIMER_INTERVAL_MIN_MS
  if (setMs === undefined || setMs < dueMs || setMs > soonestMs) context.setTimer(timer, dueMs)
}

/** The first millisecond at which that time has come. */
function msOf(timeNs: bigint): number {
  const ms = (timeNs + NS_PER_MS - 1n) / NS_PER_MS
  return Number(ms > LATEST_MS ? LATEST_MS : ms)
}
