import { Failure, type ProcessId, type Slot } from '../../protocol/index.ts'

interface Waiter {
  readonly slot: Slot
  resolve(): void
  reject(failure: Failure): void
}

/** Those who wait for slots of one process to be evaluated. */
export class SlotWaiters {
  #waiting: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  until(slot: Slot): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ slot, resolve, reject })
    return promise
  }

  /** Slots before `evaluated` are there. */
  wake(evaluated: Slot): void {
    if (this.#waiting.length === 0) return
    const reached = this.#waiting.filter(waiting => waiting.slot < evaluated)
    if (reached.length === 0) return
    this.#waiting = this.#waiting.filter(waiting => waiting.slot >= evaluated)
    for (const waiting of reached) waiting.resolve()
  }

  /** There are no slots but those that are evaluated, and so many. */
  end(process: ProcessId, evaluated: Slot): Slot {
    this.fail(new Failure('unknown-slot', { process, slot: evaluated, scheduled: evaluated }))
    return evaluated
  }

  /** Nobody need wait any longer. */
  fail(failure: Failure): void {
    for (const waiting of this.#waiting) waiting.reject(failure)
    this.#waiting = []
  }
}
