import type { Computer, ProcessId, Slot } from '../../protocol/index.ts'
import { type EvaluatedOutputs, outputOfResult } from './result-output.ts'

interface Followed {
  /** How many wait for something of it. */
  waiting: number
  readonly end: AbortController
}

/** Results of processes that other units speak for, followed while somebody waits for one. */
export class Following {
  readonly #computer: Pick<Computer, 'follow'>
  readonly #see: (evaluated: EvaluatedOutputs) => void
  readonly #followed = new Map<ProcessId, Followed>()

  constructor(computer: Pick<Computer, 'follow'>, see: (evaluated: EvaluatedOutputs) => void) {
    this.#computer = computer
    this.#see = see
  }

  /** Tells of the results from `slot` on, until it is disposed of. Whoever comes later must look at earlier slots himself. */
  from(process: ProcessId, slot: Slot): Disposable {
    const followed = this.#followed.get(process) ?? this.#open(process, slot)
    followed.waiting += 1
    return {
      [Symbol.dispose]: () => {
        followed.waiting -= 1
        if (followed.waiting > 0) return
        followed.end.abort()
        if (this.#followed.get(process) === followed) this.#followed.delete(process)
      },
    }
  }

  #open(process: ProcessId, slot: Slot): Followed {
    const followed = { waiting: 0, end: new AbortController() }
    this.#followed.set(process, followed)
    // Who waits in vain is told to poll, as the requests say.
    void this.#follow(process, slot, followed.end.signal).catch(() => {
      if (this.#followed.get(process) === followed) this.#followed.delete(process)
    })
    return followed
  }

  async #follow(process: ProcessId, from: Slot, signal: AbortSignal): Promise<void> {
    for await (const result of this.#computer.follow(process, from, { signal })) {
      const outputs = [{ result, output: outputOfResult(result) }]
      this.#see({ process, firstSlot: result.slot, outputs: () => outputs })
    }
  }
}
