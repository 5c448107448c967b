import { type MessageId, type ProcessId, RECENT_RECEIPTS_MAX, type Receipt } from '../protocol/index.ts'

/** A message that has, or is about to have, its slot. */
export interface Seated {
  readonly bytes: Uint8Array
  readonly receipt: Promise<Receipt>
}

/** The last messages that got their slot, of all processes: repeats are answered without a look into feeds. */
export class RecentReceipts {
  readonly #seated = new Map<string, Seated>()

  get(process: ProcessId, id: MessageId): Seated | undefined {
    return this.#seated.get(process + id)
  }

  add(process: ProcessId, id: MessageId, seated: Seated): void {
    this.#seated.set(process + id, seated)
    if (this.#seated.size <= RECENT_RECEIPTS_MAX) return
    const oldest = this.#seated.keys().next().value
    if (oldest !== undefined) this.#seated.delete(oldest)
  }
}
