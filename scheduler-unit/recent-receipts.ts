import {
  type MessageId,
  type ProcessId,
  RECENT_RECEIPTS_MAX,
  RECENT_RECEIPTS_MAX_BYTES,
  type Receipt,
} from '../protocol/index.ts'

/** A message that has, or is about to have, its slot. */
export interface Seated {
  readonly bytes: Uint8Array
  readonly receipt: Promise<Receipt>
}

/**
 * The last messages that got their slot, of all processes: repeats are answered without a look into feeds. By id, which
 * nearly always stands in one process alone; where it stands in several, the last is remembered.
 */
export class RecentReceipts {
  readonly #seated = new Map<MessageId, { readonly process: ProcessId; readonly seated: Seated }>()
  /** Where the oldest is found. A Map keeps the places of what was deleted for a while: to begin anew is to pass by all of them. */
  #oldest: MapIterator<MessageId> | undefined
  #bytes = 0

  get(process: ProcessId, id: MessageId): Seated | undefined {
    const known = this.#seated.get(id)
    return known?.process === process ? known.seated : undefined
  }

  add(process: ProcessId, id: MessageId, seated: Seated): void {
    this.#forget(id)
    this.#seated.set(id, { process, seated })
    this.#bytes += seated.bytes.length
    while (this.#seated.size > RECENT_RECEIPTS_MAX || this.#bytes > RECENT_RECEIPTS_MAX_BYTES) {
      this.#forgetOldest()
    }
  }

  /** What was passed by is forgotten, and what comes anew goes behind all others: the next one is the oldest. */
  #forgetOldest(): void {
    this.#oldest ??= this.#seated.keys()
    const { value } = this.#oldest.next()
    if (value === undefined) this.#oldest = undefined
    else this.#forget(value)
  }

  /** Forgets those of one process. */
  forgetAll(process: ProcessId): void {
    for (const [id, known] of this.#seated) if (known.process === process) this.#forget(id)
  }

  #forget(id: MessageId): void {
    const known = this.#seated.get(id)
    if (known === undefined) return
    this.#seated.delete(id)
    this.#bytes -= known.seated.bytes.length
  }
}
