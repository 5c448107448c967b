import type { MessageId, ProcessDescription, PushSender, Slot } from '../../protocol/index.ts'

/** A frame that has become durable. */
export interface CommittedFrame {
  readonly process: ProcessDescription
  /** Index of the block in the feed. */
  readonly index: number
  readonly bytes: Uint8Array
  readonly firstSlot: Slot
  readonly ids: readonly MessageId[]
  /** For each slot, who sent it, if that is a process. */
  readonly senders: readonly (PushSender | undefined)[]
}
