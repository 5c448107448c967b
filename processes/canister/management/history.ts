import type { Machine } from '../machine.ts'
import type { Slot } from '../slot.ts'
import type { Change } from '../state.ts'

/** Changes that a canister remembers, as on the IC. */
const CHANGES_MAX = 20

/** Notes a change of code or controllers. */
export function remember(
  machine: Machine,
  change: Pick<Change, 'what' | 'caller' | 'callerVersion' | 'hash' | 'controllers' | 'loaded'>,
  slot: Slot,
): void {
  const { changes, totalChanges, version } = machine.state
  const one: Change = { timeNs: slot.nowNs, version, ...change }
  machine.change({ changes: [...changes, one].slice(-CHANGES_MAX), totalChanges: totalChanges + 1 })
}
