import type { Clock, CoSigners, KeyId, Log, Peers, ProcessDescription } from '../../protocol/index.ts'
import type { CommittedFrame } from '../lanes/committed-frame.ts'

/** What one scheduler of several needs to vote. */
export interface VoterParts {
  readonly key: KeyId
  readonly seed: Uint8Array
  readonly log: Log
  readonly process: ProcessDescription
  readonly clock: Pick<Clock, 'now'>
  readonly peers: CoSigners & Pick<Peers, 'frames'>
  /** Checks blocks that are to stand at `base`, in slots from there on. @throws {Failure} */
  check(process: ProcessDescription, base: number, blocks: readonly Uint8Array[]): Promise<void>
  /** Blocks settled that this node did not schedule itself. */
  settled(frames: readonly CommittedFrame[]): void
  /** Whether nothing more is voted for at present: the process is being handed over. */
  isHeld(): boolean
  /** Something was accepted, and is to settle soon. */
  accepted(): void
  /** The first blocks of the feed settled, or the first behind those that it begins with. */
  begun(): void
  /** It does not know what it signed before: see `remembersAll`. */
  forgot(): void
}
