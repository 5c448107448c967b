import type { ProcessId, Slot } from '../protocol/index.ts'

const REMEMBERED_MAX = 50_000

interface Timing {
  scheduledMs: number | undefined
  evaluatedMs: number | undefined
}

/** When slots were filled and evaluated here: measured, not certified, and only for the last ones. */
export class Timings {
  readonly #timings = new Map<string, Timing>()

  scheduled(process: ProcessId, slot: Slot, atMs: number): void {
    this.#of(process, slot).scheduledMs = atMs
  }

  evaluated(process: ProcessId, slot: Slot, atMs: number): void {
    this.#of(process, slot).evaluatedMs = atMs
  }

  scheduledMs(process: ProcessId, slot: Slot): number | undefined {
    return this.#timings.get(`${process}/${slot}`)?.scheduledMs
  }

  evaluatedMs(process: ProcessId, slot: Slot): number | undefined {
    return this.#timings.get(`${process}/${slot}`)?.evaluatedMs
  }

  #of(process: ProcessId, slot: Slot): Timing {
    const key = `${process}/${slot}`
    const known = this.#timings.get(key)
    if (known !== undefined) return known
    const timing: Timing = { scheduledMs: undefined, evaluatedMs: undefined }
    this.#timings.set(key, timing)
    if (this.#timings.size > REMEMBERED_MAX) {
      const oldest = this.#timings.keys().next().value
      if (oldest !== undefined) this.#timings.delete(oldest)
    }
    return timing
  }
}
