import type { Log, NewBlock, ProcessDescription } from '../protocol/index.ts'
import type { CommittedFrame } from './lane.ts'
import type { RecentReceipts } from './recent-receipts.ts'

/** What a lane is made of. */
export interface LaneParts {
  readonly recent: RecentReceipts
  readonly log: Log
  readonly process: ProcessDescription
  now(): number
  /** Checked whenever something is about to wait for its slot. @throws {Failure} `moved` if nothing more is taken */
  expectFree?(): void
  /** Makes blocks durable; several schedulers must agree first, if it is theirs together. */
  readonly commit?: ((blocks: readonly NewBlock[]) => Promise<void>) | undefined
  /** Frames on their way to the disk; `done` tells whether they got there, after `committed` was called. */
  committing?: ((frames: readonly CommittedFrame[], done: Promise<boolean>) => void) | undefined
  committed(frames: readonly CommittedFrame[]): void
}
