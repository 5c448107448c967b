/** Askers for whom a node dials at once; it has a hundred dials at once in all, and those of others may take long to fail. */
export const ASKERS_MAX = 8
/** Addresses that are dialled for one question: an honest node has a few. */
export const ADDRESSES_MAX = 8

/** Whom a node is dialling for, each of them once at a time. */
export class AskedDials {
  readonly #askers = new Set<string>()

  /** Begins to dial for somebody; gives what ends it, or nothing if that is too much. */
  begin(asker: string): Disposable | undefined {
    if (this.#askers.has(asker) || this.#askers.size >= ASKERS_MAX) return undefined
    this.#askers.add(asker)
    return { [Symbol.dispose]: () => void this.#askers.delete(asker) }
  }
}
