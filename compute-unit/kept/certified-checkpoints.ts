import {
  decodeCertificate,
  equalBytes,
  type FeedSpec,
  type Log,
  type ProcessId,
  type Slot,
} from '../../protocol/index.ts'
import type { CheckpointHead, Checkpoints, ReadCheckpoint } from './checkpoints.ts'

export interface CertifiedCheckpoint {
  readonly head: CheckpointHead
  readonly snapshot: ReadCheckpoint | undefined
}

/** How far a unit evaluated and certified a process. */
export interface CertifiedUpTo {
  readonly results: FeedSpec
  readonly evaluated: Slot
  /** Blocks of the feed with those slots. */
  readonly blocks: number
}

/** Checkpoints of a process up to slot `evaluated` whose state this unit certified, the newest first. */
export async function* certifiedCheckpoints(
  { log, checkpoints }: { readonly log: Pick<Log, 'block'>; readonly checkpoints: Checkpoints },
  process: ProcessId,
  { results, evaluated, blocks }: CertifiedUpTo,
): AsyncIterable<CertifiedCheckpoint> {
  const certificateAt = async (end: number): Promise<Uint8Array | undefined> =>
    end > 0 ? log.block(results, end - 1) : undefined
  // Whoever wakes waits for all of it: who slept has its checkpoint where its feed ended.
  const [newest, last] = await Promise.all([checkpoints.newest(process, evaluated), certificateAt(blocks)])
  if (newest !== undefined) {
    const { head } = newest
    if (certifies(head.blocks === blocks ? last : await certificateAt(head.blocks), head)) yield newest
  }
  for (const head of (await checkpoints.list(process)).reverse()) {
    if (head.slots > evaluated || head.slots === newest?.head.slots) continue
    const [snapshot, certificate] = await Promise.all([
      checkpoints.read(process, head.slots),
      certificateAt(head.blocks),
    ])
    if (certifies(certificate, head)) yield { head, snapshot }
  }
}

function certifies(certificate: Uint8Array | undefined, { stateRoot }: CheckpointHead): boolean {
  return certificate !== undefined && equalBytes(decodeCertificate(certificate).stateRoot, stateRoot)
}
