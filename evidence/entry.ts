import type { EvidenceKind, KeyId, MessageId, ProcessId, Slot } from '../protocol/index.ts'

/** A piece of evidence that was checked here. */
export interface EvidenceEntry {
  readonly id: string
  readonly kind: EvidenceKind
  readonly process: ProcessId
  /** Keys of whom it accuses; who ought to have given a receipt, for a complaint. */
  readonly accused: readonly KeyId[]
  /** Of an equivocation: the length of both trees. */
  readonly length: number | undefined
  /** Of a fault: the first slot of the frame. */
  readonly slot: Slot | undefined
  /** Of a complaint. */
  readonly message: MessageId | undefined
  /** When it came here, in milliseconds since 1970. */
  readonly seenMs: number
  readonly bytes: Uint8Array
}
