import { type MessageId, type ProcessId, RECENT_RECEIPTS_MAX, RECENT_RECEIPTS_MAX_BYTES, type Receipt } from '../protocol/index.ts'

/** A message that has, or is about to have, its slot. */
export interface Seated {
  readonly bytes: Uint8Array
  readonly receipt: Promise<Receipt>
}

/** The last messages that got their slot, of all processes: repeats are answered without a look into feeds. */
export class RecentReceipts {
  readonly #seated = new Map<string, Seated>()
  #bytes = 0

  get(process: ProcessId, id: MessageId): Seated | undefined {
    return this.#seated.get(process + id)
  }

  add(process: ProcessId, id: MessageId, seated: Seated): void {
    this.#forget(process + id)
    this.#seated.set(process + id, seated)
    this.#bytes += seated.bytes.length
    for (const oldest of this.#seated.keys()) {
      if (this.#seated.size <= RECENT_RECEIPTS_MAX && this.#bytes <= RECENT_RECEIPTS_MAX_BYTES) return
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    const known = this.#seated.get(key)
    if (known === undefined) return
    this.#seated.delete(key)
    this.#bytes -= known.bytes.length
  }
}
