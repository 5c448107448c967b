import { decodeFrame, encodeEnvelope, envelopeId, type ProcessDescription } from '../../protocol/index.ts'
import type { CommittedFrame } from '../lanes/committed-frame.ts'

/** The frames in blocks from `base` on, and the encoded envelope of slot 0 if it is among them. @throws {MalformedBytes} */
export function framesOf(
  process: ProcessDescription,
  base: number,
  blocks: readonly Uint8Array[],
): { readonly frames: CommittedFrame[]; readonly spawn: Uint8Array | undefined } {
  let spawn: Uint8Array | undefined
  const frames = blocks.map((bytes, i): CommittedFrame => {
    const { firstSlot, assignments } = decodeFrame(bytes)
    const ids = assignments.map(({ envelope }, at) => envelopeId(envelope, process.id, firstSlot + at))
    const [first] = assignments
    if (firstSlot === 0 && first !== undefined) spawn = encodeEnvelope(first.envelope)
    return { process, index: base + i, bytes, firstSlot, ids, senders: assignments.map(() => undefined) }
  })
  return { frames, spawn }
}
