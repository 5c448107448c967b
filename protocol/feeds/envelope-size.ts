import { headBytes } from '../codec/cbor.ts'
import { encodeEnvelope, type Envelope } from './frame.ts'

/** How many bytes an envelope has once it is encoded; of most it is known before. */
export function envelopeSizeBytes(envelope: Envelope): number {
  if (envelope.kind === 'item') return 2 + stringSizeBytes(envelope.item)
  if (envelope.kind === 'ingress') return 2 + stringSizeBytes(envelope.bytes)
  if (envelope.kind !== 'push' || envelope.proof !== undefined) return encodeEnvelope(envelope).length
  return 3 + stringSizeBytes(envelope.push.coreBytes) + stringSizeBytes(envelope.push.bodyBytes)
}

const stringSizeBytes = ({ length }: Uint8Array): number => headBytes(length) + length
