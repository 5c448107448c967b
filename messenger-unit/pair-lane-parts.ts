import type { Clock, Computer, Failure, ProcessId, Push, Scheduler, Slot } from '../protocol/index.ts'
import type { Lines } from './line.ts'

export interface PairLaneParts {
  readonly computer: Computer
  readonly clock: Clock
  /** The scheduler of the process a push goes to, if it can be told without a wait. */
  schedulerAtHand(push: Push): Pick<Scheduler, 'schedule'> | undefined
  /** The scheduler of the process a push goes to; nothing if no such process is known. */
  schedulerOf(push: Push): Promise<Pick<Scheduler, 'schedule'> | undefined>
  /** Whether that scheduler vouches for a push that comes without its proof. */
  vouches(scheduler: Pick<Scheduler, 'schedule'>, push: Push): boolean
  /** Resolves once all that an earlier run left of what `from` sent came here; nothing, if it did already. */
  reading(from: ProcessId): Promise<void> | undefined
  /** Of all pairs. */
  readonly lines: Lines
  /** What `from` ever sent to `to`, from seq `seq` on, up to `before`, or the first part of it; `slot`: the first of it was sent there. */
  sentFrom(from: ProcessId, to: ProcessId, seq: number, before: number, slot?: Slot): Promise<readonly Push[]>
  /** Calls `wake` whenever a scheduler of the receiver is linked again; gives what ends that. */
  met?: ((push: Push, wake: () => void) => Promise<Disposable | undefined>) | undefined
  /** How many others carry the pushes of this pair before this node does. */
  rank(push: Push): number
  /** The seq which the scheduler of the receiver expects next; nothing if it cannot be told. */
  expectedSeq(push: Push): Promise<number | undefined>
  random(): number
  delivered(push: Push): void
  trouble(push: Pick<Push, 'core'>, failure: Failure): void
}
