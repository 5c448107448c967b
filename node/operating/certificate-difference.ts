import type { FrameOutcome } from '../../compute-unit/index.ts'
import {
  type Certificate,
  decodeCertificate,
  equalBytes,
  MalformedBytes,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { refuteSignatures, type SourcedCertificate } from '../learning/process-source.ts'

/** In what a certificate differs from what its frame gave here, in words; nothing if it says the same. */
export function certificateDifference(
  sourced: SourcedCertificate,
  process: ProcessDescription,
  made: { readonly frameHash: Uint8Array; readonly outcome: FrameOutcome },
): string | undefined {
  const { outcome } = made
  let certificate: Certificate
  try {
    certificate = decodeCertificate(sourced.bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) return `the certificate cannot be read: ${error.message}`
    throw error
  }
  if (certificate.process !== process.id) return 'the certificate is of another process'
  if (certificate.firstSlot !== outcome.firstSlot || certificate.count !== outcome.count) {
    return 'the certificate is of another frame'
  }
  if (!equalBytes(certificate.frameHash, made.frameHash)) return 'the frame is not the certified one'
  if (!equalBytes(certificate.resultsRoot, outcome.resultsRoot)) return 'the results are not the certified ones'
  if (!equalBytes(certificate.stateRoot, outcome.stateRoot)) return 'the state is not the certified one'
  if (certificate.gas !== outcome.gas) return 'the gas is not the certified one'
  return refuteSignatures(sourced, process)
}
