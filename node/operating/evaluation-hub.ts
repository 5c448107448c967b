import type { EvaluatedResults } from '../../gateway/index.ts'
import { type KeyId, type ProcessDescription, speaksAlone } from '../../protocol/index.ts'
import type { UnitObserver } from '../opening/open-units.ts'

/** Tells whoever watches what the compute unit has evaluated of processes that it speaks for alone; nothing is taken apart while nobody does. */
export class EvaluationHub {
  readonly #key: KeyId | undefined
  readonly #seers: ((evaluated: EvaluatedResults) => void)[] = []

  readonly observer: UnitObserver = {
    evaluated: ({ process, results }) => {
      if (this.#seers.length === 0 || !this.speaksFor(process)) return
      const evaluated: EvaluatedResults = {
        process: process.id,
        firstSlot: results.firstSlot,
        results: () => results.results,
      }
      for (const see of this.#seers) see(evaluated)
    },
  }

  /** `key`: that of this node's compute unit, if there is one. */
  constructor(key: KeyId | undefined) {
    this.#key = key
  }

  /** Whether the word of this node's unit makes results of the process final. */
  speaksFor({ policy }: ProcessDescription): boolean {
    return this.#key !== undefined && speaksAlone(policy, this.#key)
  }

  watch(see: (evaluated: EvaluatedResults) => void): void {
    this.#seers.push(see)
  }
}
