import type { Log, NewBlock, ProcessDescription, UnderWay } from '../../protocol/index.ts'
import type { Ahead } from './ahead.ts'
import type { CommittedFrame } from './committed-frame.ts'
import type { RecentReceipts } from './recent-receipts.ts'

/** What a lane is made of. */
export interface LaneParts {
  readonly recent: RecentReceipts
  /** Of all lanes together. */
  readonly ahead: Ahead
  readonly log: Log
  readonly process: ProcessDescription
  /** Commits that may be under way at the same time. */
  readonly flightsMax?: number | undefined
  now(): number
  /** Checked whenever something is about to wait for its slot. @throws {Failure} `moved` if nothing more is taken */
  expectFree?(): void
  /** Makes blocks durable; several schedulers must agree first, if it is theirs together. */
  readonly commit?: ((blocks: readonly NewBlock[]) => Promise<void>) | undefined
  /** Frames on their way to the disk: nothing of them may show before they are `done`, which is told after `committed` was called. */
  committing?: ((frames: readonly CommittedFrame[], underWay: UnderWay) => void) | undefined
  /** Frames that became durable, of one process, in order. */
  committed(frames: readonly CommittedFrame[]): void
}
