import { messagesFeed } from '../feeds/feed-spec.ts'
import type { KeyId } from '../ids.ts'
import type { FeedSpec } from '../feeds/log-port.ts'
import type { ProcessDescription, ProcessEpoch, ProcessPolicy } from '../process/process.ts'

/** All epochs of a process, the first first. */
export function epochsOf({
  earlier = [],
  epoch,
  policy,
  prologue,
  firstSlot,
}: ProcessDescription): readonly ProcessEpoch[] {
  return [...earlier, { epoch, policy, prologue, firstSlot }]
}

/** The feed of a process in one of its epochs; nothing, if that is not known here. */
export function feedOfEpoch(process: ProcessDescription, epoch: number): FeedSpec | undefined {
  const found = epochsOf(process)[epoch]
  return found && messagesFeed({ id: process.id, ...found })
}

/** Who had the word when block `index` of the feed came to be. */
export function policyAt(process: ProcessDescription, index: number): ProcessPolicy {
  if (process.earlier === undefined || index >= (process.prologue?.length ?? 0)) return process.policy
  const found = process.earlier.findLast(({ prologue }) => index >= (prologue?.length ?? 0))
  return found?.policy ?? process.policy
}

/** The policy as spawned. */
export function firstPolicy({ earlier, policy }: ProcessDescription): ProcessPolicy {
  return earlier?.[0]?.policy ?? policy
}

/** The policy that counts a compute unit at that position; nothing, if none does as far as is known here. */
export function policyOfUnit(process: ProcessDescription, position: number): ProcessPolicy | undefined {
  if (unitAt(process.policy, position) !== undefined) return process.policy
  return process.earlier?.findLast(({ policy }) => unitAt(policy, position) !== undefined)?.policy
}

/** The compute unit at a position, of whichever epoch. */
export function unitOf(process: ProcessDescription, position: number): KeyId | undefined {
  const policy = policyOfUnit(process, position)
  return policy && unitAt(policy, position)
}

/** The compute unit at a position. */
export function unitAt({ computeUnits, unitsFrom = 0 }: ProcessPolicy, position: number): KeyId | undefined {
  return computeUnits[position - unitsFrom]
}

/** The position of a compute unit; -1, if it is none. */
export function unitPosition({ computeUnits, unitsFrom = 0 }: ProcessPolicy, unit: KeyId): number {
  const at = computeUnits.indexOf(unit)
  return at < 0 ? at : at + unitsFrom
}

/** Whether a position is of units that only a later epoch record, which is not known here, can name. */
export function isOfLaterEpoch({ policy }: ProcessDescription, position: number): boolean {
  return position >= (policy.unitsFrom ?? 0) + policy.computeUnits.length
}

/** Whether a compute unit of an earlier epoch speaks of a slot that only later ones gave. */
export function speaksTooLate(process: ProcessDescription, position: number, slot: number): boolean {
  const epochs = epochsOf(process)
  const own = epochs.findLastIndex(({ policy }) => unitAt(policy, position) !== undefined)
  return epochs.slice(own + 1).some(({ firstSlot }) => firstSlot !== undefined && slot >= firstSlot)
}
