import { Failure, type KeyId, type ProcessDescription } from '../../protocol/index.ts'

/** May this node schedule that process? @throws {Failure} `not-scheduler`; `moved` if it did */
export function checkScheduler(description: ProcessDescription, key: KeyId): void {
  const { schedulers, schedulerQuorum } = description.policy
  if (schedulers[0] === key && schedulers.length === 1 && schedulerQuorum === 1) return
  const { id: process, epoch, earlier = [] } = description
  if (earlier.some(({ policy }) => policy.schedulers.includes(key))) throw new Failure('moved', { process, epoch })
  throw new Failure('not-scheduler', { process: description.id, scheduler: schedulers.join(' '), here: key })
}
