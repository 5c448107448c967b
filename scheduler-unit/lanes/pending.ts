import type { Commitment, Envelope, MessageId, PushSender } from '../../protocol/index.ts'
import type { Outcome } from './outcome.ts'

/** Between which times, both included, a slot may hold a message. */
interface SlotWindow {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** A message that waits for its slot. */
export interface Pending {
  readonly id: MessageId
  readonly envelope: Envelope
  /** Of the encoded envelope. */
  readonly sizeBytes: number
  readonly sender: PushSender | undefined
  readonly window: SlotWindow | undefined
  /** What must be durable first, or with it. */
  readonly after: Commitment | undefined
  readonly outcome: Outcome
}

/** What is known of a message besides. */
export interface Enqueued {
  readonly sender?: PushSender | undefined
  readonly window?: SlotWindow | undefined
  readonly gathers?: boolean | undefined
  /** Of the encoded envelope. */
  readonly sizeBytes?: number | undefined
  readonly after?: Commitment | undefined
}

/** Whether a repetition is told by its id; a push is told by its seq, and what the scheduler makes does not repeat. */
export function isToldById({ kind }: Envelope): boolean {
  return kind === 'item' || kind === 'assign' || kind === 'ingress'
}
