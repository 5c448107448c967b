import {
  type CertifiedResult,
  certificateMessage,
  decodeCertificate,
  ed25519Sign,
  EMPTY_ROOT,
  encodeCertificate,
  encodeResult,
  frameHash,
  leafHash,
  type ProcessId,
  type Result,
} from '../../protocol/index.ts'

/** Certifies the result of a frame that holds one slot, as the one compute unit of its process. */
export function certifyOne(process: ProcessId, result: Result, frame: Uint8Array, seed: Uint8Array): CertifiedResult {
  const { head, bytes } = encodeResult(result)
  const certificateBytes = encodeCertificate({
    process: process,
    firstSlot: result.slot,
    count: 1,
    frameHash: frameHash(frame),
    resultsRoot: leafHash(head),
    stateRoot: EMPTY_ROOT,
    gas: result.gas,
  })
  const signature = ed25519Sign(seed, certificateMessage(certificateBytes))
  const certificate = decodeCertificate(certificateBytes)
  return {
    result,
    bytes,
    proof: {
      resultHead: head,
      resultPath: [],
      certificate,
      certificateBytes,
      signatures: [{ unit: 0, signature }],
    },
  }
}
