import type { Slot } from '../../../protocol/index.ts'

/** Where an item stands among all that can be found: by time, then by process, then by slot. What has no time comes first. */
export interface Place {
  readonly timestampMs: number
  /** The process; of what stands in none, its own id. */
  readonly process: string
  readonly slot: Slot
}

/** What was found, as it is answered, and where it stands. */
export interface Match {
  readonly place: Place
  readonly id: string
  readonly node: unknown
}

/** Below zero, if `a` comes before `b`. */
export type Order = (a: Place, b: Place) => number

export const ASCENDING: Order = (a, b) =>
  a.timestampMs - b.timestampMs || (a.process < b.process ? -1 : a.process > b.process ? 1 : a.slot - b.slot)

export const DESCENDING: Order = (a, b) => ASCENDING(b, a)

/** The first `count` of what it is given, in order: no more is held than twice as many. */
export class FirstMatches {
  readonly #order: Order
  readonly #count: number
  #kept: Match[] = []

  constructor(order: Order, count: number) {
    this.#order = order
    this.#count = count
  }

  add(match: Match): void {
    this.#kept.push(match)
    if (this.#kept.length >= 2 * this.#count) this.#kept = this.inOrder()
  }

  inOrder(): Match[] {
    return this.#kept.toSorted((a, b) => this.#order(a.place, b.place)).slice(0, this.#count)
  }
}
