import type { MessageId, MessageIndex, ProcessId, Slot } from '../../protocol/index.ts'

interface Place {
  readonly process: ProcessId
  readonly slot: Slot
}

/** Where messages stand, in memory: by process, since a slot alone needs no object, and most is asked of one process. */
export class MemoryIndex implements MessageIndex {
  readonly #slots = new Map<ProcessId, Map<MessageId, Slot>>()

  add(process: ProcessId, id: MessageId, slot: Slot): void {
    let slots = this.#slots.get(process)
    if (slots === undefined) this.#slots.set(process, (slots = new Map()))
    if (!slots.has(id)) slots.set(id, slot)
  }

  lacks(process: ProcessId, id: MessageId): boolean {
    return this.#slot(process, id) === undefined
  }

  async slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined> {
    return this.#slot(process, id)
  }

  async slotsOf(process: ProcessId, ids: readonly MessageId[]): Promise<readonly (Slot | undefined)[]> {
    return ids.map(id => this.#slot(process, id))
  }

  async forget(process: ProcessId, places: ReadonlyMap<MessageId, Slot>): Promise<void> {
    const slots = this.#slots.get(process)
    for (const [id, slot] of places) if (slots?.get(id) === slot) slots.delete(id)
  }

  async placesOf(id: MessageId): Promise<readonly Place[]> {
    const places: Place[] = []
    for (const [process, slots] of this.#slots) {
      const slot = slots.get(id)
      if (slot !== undefined) places.push({ process, slot })
    }
    return places
  }

  #slot(process: ProcessId, id: MessageId): Slot | undefined {
    return this.#slots.get(process)?.get(id)
  }
}
