import { encodeEnvelope, equalBytes, Failure, type MessageId, type Receipt } from '../protocol/index.ts'

/** A receipt that may not be durable yet; in an object, so that waiting for the one is not waiting for the other. */
export interface KnownReceipt {
  readonly receipt: Promise<Receipt>
}

export function sameBytes(
  receipt: Promise<Receipt>,
  envelopeBytes: Uint8Array,
  item: Uint8Array,
  id: MessageId,
): KnownReceipt {
  const same = equalBytes(envelopeBytes, encodeEnvelope({ kind: 'item', item }))
  if (!same) throw new Failure('id-reused', { id })
  return { receipt }
}
