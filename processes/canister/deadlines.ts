import { OUTSIDE_TIMEOUT_MS } from './bounds.ts'
import type { Machine } from './machine.ts'
import { type Callback, getCallback, putCallback } from './records.ts'
import type { Slot } from './slot.ts'

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

/** When a call ends by itself; 0 if it waits for ever. */
export function endOf({ deadlineNs, outside }: Callback): bigint {
  if (outside === undefined || deadlineNs === 0n) return outside?.dueNs ?? deadlineNs
  return deadlineNs < outside.dueNs ? deadlineNs : outside.dueNs
}
