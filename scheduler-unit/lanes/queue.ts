import { PENDING_PER_PROCESS_MAX, PENDING_PER_PROCESS_MAX_BYTES } from '../../protocol/index.ts'
import type { Pending } from './pending.ts'

/** What waits in a lane, in the order of its slots to be. */
export class Queue {
  #entries: Pending[] = []
  #bytes = 0
  #hurries = false

  get length(): number {
    return this.#entries.length
  }

  get isFull(): boolean {
    return this.#entries.length >= PENDING_PER_PROCESS_MAX || this.#bytes >= PENDING_PER_PROCESS_MAX_BYTES
  }

  /** Whether one of them came from a frame that is under way. */
  get hurries(): boolean {
    return this.#hurries
  }

  add(entry: Pending): void {
    this.#entries.push(entry)
    this.#bytes += entry.sizeBytes
    this.#hurries ||= entry.after !== undefined
  }

  takeAll(): readonly Pending[] {
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    this.#hurries = false
    return entries
  }
}
