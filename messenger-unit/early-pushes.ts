import type { Push, Sending } from '../protocol/index.ts'
import type { PairLane } from './pair-lane.ts'

/** Pushes that a lane was given before what they come from was durable, until that is told. What never becomes durable is forgotten with them. */
export class EarlyPushes {
  readonly #given = new WeakMap<Push, { readonly lane: PairLane; isDelivered: boolean }>()

  add(push: Push, lane: PairLane): void {
    this.#given.set(push, { lane, isDelivered: false })
  }

  /** Notes that one of them was delivered; false if it is like any other. */
  delivered(push: Push): boolean {
    const given = this.#given.get(push)
    if (given === undefined) return false
    given.isDelivered = true
    return true
  }

  /** How many of those that a result asks for are delivered. */
  deliveredOf({ outbox }: Sending): number {
    return outbox.reduce((sum, push) => sum + (this.#given.get(push)?.isDelivered === true ? 1 : 0), 0)
  }

  /** What a push comes from is durable: it is like any other from now on. Whether a lane has it, or had it. */
  release(push: Push): boolean {
    const given = this.#given.get(push)
    if (given === undefined) return false
    this.#given.delete(push)
    if (given.isDelivered) return true
    given.lane.look()
    return !given.lane.isStopped
  }
}
