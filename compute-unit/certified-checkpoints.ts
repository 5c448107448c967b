import { decodeCertificate, equalBytes, type FeedSpec, type Log, type ProcessId, type Slot } from '../protocol/index.ts'
import type { CheckpointHead, Checkpoints, ReadCheckpoint } from './checkpoints.ts'

export interface CertifiedCheckpoint {
  readonly head: CheckpointHead
  readonly snapshot: ReadCheckpoint | undefined
}

/** Checkpoints of a process up to slot `evaluated` whose state this unit certified, the newest first. */
export async function* certifiedCheckpoints(
  { log, checkpoints }: { readonly log: Pick<Log, 'block'>; readonly checkpoints: Checkpoints },
  process: ProcessId,
  { results, evaluated }: { readonly results: FeedSpec; readonly evaluated: Slot },
): AsyncIterable<CertifiedCheckpoint> {
  for (const head of (await checkpoints.list(process)).reverse()) {
    if (head.slots > evaluated) continue
    const block = log.block(results, head.blocks - 1)
    // Whoever wakes waits for both.
    const [snapshot, certificate] = await Promise.all([checkpoints.read(process, head.slots), block])
    if (certificate === undefined || !equalBytes(decodeCertificate(certificate).stateRoot, head.stateRoot)) continue
    yield { head, snapshot }
  }
}
