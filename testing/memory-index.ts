import type { MessageId, MessageIndex, ProcessId, Slot } from '../protocol/index.ts'

interface Place {
  readonly process: ProcessId
  readonly slot: Slot
}

/** Where messages stand, in memory. */
export class MemoryIndex implements MessageIndex {
  /** Most messages stand in one place. */
  readonly #places = new Map<MessageId, Place | readonly Place[]>()

  add(process: ProcessId, id: MessageId, slot: Slot): void {
    const known = this.#places.get(id)
    const place = { process, slot }
    if (known === undefined) this.#places.set(id, place)
    else if (this.#slot(process, id) === undefined) this.#places.set(id, [...listOf(known), place])
  }

  lacks(process: ProcessId, id: MessageId): boolean {
    return this.#slot(process, id) === undefined
  }

  async slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined> {
    return this.#slot(process, id)
  }

  async slotsOf(
    process: ProcessId,
    ids: readonly MessageId[],
  ): Promise<readonly (Slot | undefined)[]> {
    return ids.map(id => this.#slot(process, id))
  }

  async forget(process: ProcessId, places: ReadonlyMap<MessageId, Slot>): Promise<void> {
    for (const [id, slot] of places) {
      const kept = listOf(this.#places.get(id) ?? []).filter(place => place.process !== process || place.slot !== slot)
      if (kept.length === 0) this.#places.delete(id)
      else this.#places.set(id, kept)
    }
  }

  async placesOf(id: MessageId): Promise<readonly Place[]> {
    const known = this.#places.get(id)
    return known === undefined ? [] : listOf(known)
  }

  #slot(process: ProcessId, id: MessageId): Slot | undefined {
    const known = this.#places.get(id)
    if (known === undefined) return undefined
    return listOf(known).find(place => place.process === process)?.slot
  }
}

const listOf = (known: Place | readonly Place[]): readonly Place[] =>
  'slot' in known ? [known] : known
