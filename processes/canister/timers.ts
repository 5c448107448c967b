import { HEARTBEAT_MS } from './bounds.ts'
import type { Machine } from './machine.ts'
import type { Slot } from './slot.ts'

export const GLOBAL_TIMER = 'ic/timer'
export const HEARTBEAT_TIMER = 'ic/heartbeat'
export const DEADLINE_TIMER = 'ic/deadline'
export const STOP_TIMER = 'ic/stop'

const NS_PER_MS = 1_000_000n
const LATEST_MS = BigInt(Number.MAX_SAFE_INTEGER)

/** Sets the timers of the process to what the canister wants, where a slot changed that. */
export function armTimers(machine: Machine, slot: Slot, timerBefore: bigint): void {
  const { context, message } = slot
  const { timerNs, nextDeadlineNs, status, beats } = machine.state
  const fired = message.kind === 'tick' ? message.timer : undefined
  if (timerNs !== timerBefore || fired === GLOBAL_TIMER) {
    if (timerNs === 0n) context.clearTimer(GLOBAL_TIMER)
    else context.setTimer(GLOBAL_TIMER, msOf(timerNs))
  }
  if (nextDeadlineNs !== 0n && (slot.deadlineBefore !== nextDeadlineNs || fired === DEADLINE_TIMER)) {
    context.setTimer(DEADLINE_TIMER, msOf(nextDeadlineNs))
  }
  const wants = status === 'running' && machine.code(slot.cells)?.entries.has('canister_heartbeat') === true
  if (wants === beats) return
  machine.change({ beats: wants })
  if (wants) context.setTimer(HEARTBEAT_TIMER, message.timestampMs + HEARTBEAT_MS, HEARTBEAT_MS)
  else context.clearTimer(HEARTBEAT_TIMER)
}

/** The first millisecond at which that time has come. */
function msOf(timeNs: bigint): number {
  const ms = (timeNs + NS_PER_MS - 1n) / NS_PER_MS
  return Number(ms > LATEST_MS ? LATEST_MS : ms)
}
