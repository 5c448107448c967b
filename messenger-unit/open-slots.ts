import type { Slot } from '../protocol/index.ts'

/** Ranges of slots that are counted apart, for each process. */
const RANGES_MAX = 1024

/**
 * How much is open, by slot, in bounded memory: where too many slots have something open, neighbours are counted together, twice as many
 * each time. So the lowest is known exactly, or as the beginning of a range that holds it: it is never beyond the truth.
 */
export class OpenSlots {
  #width = 1
  /** By range, oldest first unless one came out of order. */
  #counts = new Map<number, number>()
  #newest = -1
  #isOrdered = true
  /** The lowest range, if it is known. */
  #lowest: number | undefined

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  /** Ranges that are counted apart now. */
  get ranges(): number {
    return this.#counts.size
  }

  /** `count` more are open in a slot. */
  add(slot: Slot, count: number): void {
    const range = Math.floor(slot / this.#width)
    if (this.#counts.size === 0 || (this.#lowest !== undefined && range < this.#lowest)) this.#lowest = range
    if (range < this.#newest && !this.#counts.has(range)) this.#isOrdered = false
    this.#newest = Math.max(this.#newest, range)
    this.#counts.set(range, (this.#counts.get(range) ?? 0) + count)
    while (this.#counts.size > RANGES_MAX) this.#widen()
  }

  /** One less is. */
  remove(slot: Slot): void {
    const range = Math.floor(slot / this.#width)
    const left = (this.#counts.get(range) ?? 1) - 1
    if (left > 0) {
      this.#counts.set(range, left)
      return
    }
    this.#counts.delete(range)
    if (range === this.#lowest) this.#lowest = undefined
    if (this.#counts.size === 0) this.#reset()
  }

  /** Nothing is open below it; nothing, if nothing is open. */
  get lowest(): Slot | undefined {
    if (this.#counts.size === 0) return undefined
    this.#lowest ??= this.#isOrdered ? this.#counts.keys().next().value : Math.min(...this.#counts.keys())
    return (this.#lowest ?? 0) * this.#width
  }

  #widen(): void {
    const counts = [...this.#counts].sort(([a], [b]) => a - b)
    this.#counts = new Map()
    this.#width *= 2
    for (const [range, count] of counts) {
      const wide = Math.floor(range / 2)
      this.#counts.set(wide, (this.#counts.get(wide) ?? 0) + count)
    }
    this.#newest = Math.floor(this.#newest / 2)
    this.#isOrdered = true
    this.#lowest = undefined
  }

  #reset(): void {
    this.#width = 1
    this.#newest = -1
    this.#isOrdered = true
    this.#lowest = undefined
  }
}
