import type { EvaluatedResults } from '../gateway/index.ts'
import type { UnitObserver } from './open-units.ts'

/** Tells whoever watches what the compute unit has evaluated; nothing is taken apart while nobody does. */
export class EvaluationHub {
  readonly #seers: ((evaluated: EvaluatedResults) => void)[] = []

  readonly observer: UnitObserver = {
    evaluated: ({ process, results }) => {
      if (this.#seers.length === 0) return
      const evaluated: EvaluatedResults = { process: process.id, firstSlot: results.firstSlot, results: () => results.results }
      for (const see of this.#seers) see(evaluated)
    },
  }

  watch(see: (evaluated: EvaluatedResults) => void): void {
    this.#seers.push(see)
  }
}
