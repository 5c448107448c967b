import { CALL_TIMEOUT_MAX_S, OUTSIDE_TIMEOUT_MS } from './bounds.ts'
import type { Machine } from './machine.ts'
import { takeOutcall } from './management/http-outcall.ts'
import { takeDraw } from './management/raw-rand.ts'
import { type Callback, callbacksIn, getCallback, putCallback } from './records.ts'
import type { Slot } from './slot.ts'
import { removeWaiting } from './waiting-calls.ts'

/** A call ends by itself at that time, if it has no answer before. */
export function noteDeadline(machine: Machine, dueNs: bigint): void {
  const { nextDeadlineNs } = machine.state
  if (nextDeadlineNs === 0n || dueNs < nextDeadlineNs) machine.change({ nextDeadlineNs: dueNs })
}

/** A call waits for the outside, but not for ever: for an outcome, or for the process of a principal. */
export function awaitOutside(
  machine: Machine,
  id: number,
  principal: Uint8Array | undefined,
  { cells, nowNs }: Slot,
): void {
  const callback = getCallback(cells, id)
  if (callback === undefined) return
  const dueNs = nowNs + BigInt(OUTSIDE_TIMEOUT_MS) * 1_000_000n
  putCallback(cells, { ...callback, outside: { dueNs, principal } })
  noteDeadline(machine, dueNs)
}

/** What the outside was to do for a call goes with it: an outcome that comes later finds nothing. */
export function leaveOutside({ id, outside }: Callback, { cells }: Slot): void {
  if (outside === undefined) return
  takeOutcall(cells, id)
  takeDraw(cells, id)
  if (outside.principal !== undefined) removeWaiting(cells, outside.principal, id)
}

/** Nobody hears of the calls any more that are under way: none waits longer than one that is best-effort. */
export function boundCalls(machine: Machine, slot: Slot): void {
  const dueNs = slot.nowNs + BigInt(CALL_TIMEOUT_MAX_S) * 1_000_000_000n
  for (const callback of callbacksIn(slot.cells)) {
    const endNs = endOf(callback)
    if (endNs !== 0n && endNs <= dueNs) continue
    putCallback(slot.cells, { ...callback, deadlineNs: dueNs })
    noteDeadline(machine, dueNs)
  }
}

/** When a call ends by itself; 0 if it waits for ever. */
export function endOf({ deadlineNs, outside }: Callback): bigint {
  if (outside === undefined || deadlineNs === 0n) return outside?.dueNs ?? deadlineNs
  return deadlineNs < outside.dueNs ? deadlineNs : outside.dueNs
}
