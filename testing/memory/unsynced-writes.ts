/** Older ones are on disk. */
const UNSYNCED_MAX = 64

/** Writes beside the journal that a crash may take: later ones first. */
export class UnsyncedWrites {
  /** How to undo them, oldest first, and how long the journal was then. */
  readonly #writes: { readonly undo: () => void; readonly journalled: number }[] = []

  add(undo: () => void, journalled: number): void {
    this.#writes.push({ undo, journalled })
    if (this.#writes.length > UNSYNCED_MAX) this.#writes.shift()
  }

  /** How long the journal was before the oldest of them. */
  get journalled(): number | undefined {
    return this.#writes[0]?.journalled
  }

  /** All of them are on disk. */
  sync(): void {
    this.#writes.length = 0
  }

  /** Undoes so much of them, from [0, 1). */
  lose(part: number): void {
    const gone = Math.round(this.#writes.length * part)
    for (const { undo } of this.#writes.splice(this.#writes.length - gone).reverse()) undo()
  }
}
