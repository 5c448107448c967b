import type {
  Clock,
  Computer,
  DataItem,
  DataItemFields,
  Failure,
  KeyId,
  Log,
  Messenger,
  ProcessId,
  Scheduler,
} from '../../protocol/index.ts'

/** Another scheduler: in reach, so that what it schedules is spoken to here; or where it says itself that its HTTP face is. */
export interface KnownScheduler {
  readonly url: string | undefined
}

/** What the AO façade stands on. */
export interface AoFacadeParts {
  /** Where the scheduler of another node is, if that is known. */
  readonly schedulerAt?: ((scheduler: string) => KnownScheduler | undefined) | undefined
  readonly messenger: Messenger
  readonly scheduler: Scheduler
  readonly computer: Computer
  readonly log: Log
  /** What this node holds itself: nobody else is asked for more. */
  readonly atHand: Log
  readonly clock: Clock
  /** Whether cron timers of a process are given ticks. */
  readonly monitor: {
    add(process: ProcessId): void | Promise<void>
    remove(process: ProcessId): void | Promise<void>
  }
  /** The key that vouches for messages between processes of this node: what goes into `Authority`. */
  readonly authority: KeyId
  /** Signs assignment items, deterministically (Ed25519), with the key of the scheduler. */
  readonly signItem: (fields: DataItemFields) => DataItem
  /** Where clients reach this node, without a slash at the end. */
  readonly publicUrl: () => string
  /** Told of what is this machine's fault, bugs included: clients see nothing of its inside. */
  readonly trouble?: ((failure: Failure) => void) | undefined
}
