import type { Machine } from './machine.ts'

/** So much gas may have to be spent again, for nothing, when a slot fails: some milliseconds. */
const GAS_MAX = 200_000_000n

/** Slots of an agent that are kept, and whose changes stand in an instance alone. */
export class UnsettledSlots {
  /** The instance in which all of them ran; none if there are no such slots. */
  machine: Machine | undefined
  #runs: (() => void)[] = []
  #gas = 0n

  get areMany(): boolean {
    return this.#gas > GAS_MAX
  }

  /** Adds a slot that ended well: what runs it again, and what it cost. */
  add(run: () => void, gas: bigint): void {
    this.#runs.push(run)
    this.#gas += gas
  }

  /** Empties the list; gives what runs the slots again, in their order. */
  take(): readonly (() => void)[] {
    const runs = this.#runs
    this.machine?.unsettled.clear()
    this.machine = undefined
    this.#runs = []
    this.#gas = 0n
    return runs
  }
}
