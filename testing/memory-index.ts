import type { MessageId, MessageIndex, ProcessId, Slot } from '../protocol/index.ts'

/** Where messages stand, in memory. */
export class MemoryIndex implements MessageIndex {
  readonly #places = new Map<MessageId, Map<ProcessId, Slot>>()

  add(process: ProcessId, id: MessageId, slot: Slot): void {
    let places = this.#places.get(id)
    if (places === undefined) this.#places.set(id, (places = new Map()))
    if (!places.has(process)) places.set(process, slot)
  }

  lacks(process: ProcessId, id: MessageId): boolean {
    return this.#places.get(id)?.get(process) === undefined
  }

  async slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined> {
    return this.#places.get(id)?.get(process)
  }

  async slotsOf(
    process: ProcessId,
    ids: readonly MessageId[],
  ): Promise<readonly (Slot | undefined)[]> {
    return ids.map(id => this.#places.get(id)?.get(process))
  }

  async placesOf(id: MessageId): Promise<readonly { process: ProcessId; slot: Slot }[]> {
    return Array.from(this.#places.get(id) ?? [], ([process, slot]) => ({ process, slot }))
  }
}
