import { encodeFrame, envelopeId, type ProcessDescription, type Slot } from '../../protocol/index.ts'
import type { CommittedFrame } from './committed-frame.ts'
import { cutFrames } from './cut-frames.ts'
import type { Pending } from './pending.ts'

/** The frames that hold `batch`, from a place of the feed on. */
export function framesOf(
  process: ProcessDescription,
  from: { readonly index: number; readonly slot: Slot },
  batch: readonly Pending[],
  timestampMs: number,
): CommittedFrame[] {
  let firstSlot = from.slot
  return cutFrames(batch).map((entries, at) => {
    const slot = firstSlot
    firstSlot += entries.length
    const bytes = encodeFrame(
      slot,
      entries.map(({ envelope }) => ({ timestampMs, envelope })),
    )
    const ids = entries.map((entry, i) => entry.id || envelopeId(entry.envelope, process.id, slot + i))
    const senders = entries.map(entry => entry.sender)
    return { process, index: from.index + at, bytes, firstSlot: slot, ids, senders }
  })
}
