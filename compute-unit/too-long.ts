import { Failure, type ProcessId, SLOW_FOR_MS, SLOW_KNOWN_MAX } from '../protocol/index.ts'

/** A host gave something up for the sake of those who wait behind it: whoever asked repeats it where nobody does. */
export const tooLong = (process: ProcessId): Failure => new Failure('host-fault', { process, tooLong: true })

export const isTooLong = (error: unknown): boolean => Failure.is(error, 'host-fault') && error.details['tooLong'] === true

/** Processes whose queries took long, lately. */
export class SlowProcesses {
  readonly #until = new Map<ProcessId, number>()

  has(process: ProcessId, nowMs: number): boolean {
    return (this.#until.get(process) ?? 0) > nowMs
  }

  add(process: ProcessId, nowMs: number): void {
    this.#until.delete(process)
    this.#until.set(process, nowMs + SLOW_FOR_MS)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= SLOW_KNOWN_MAX) break
      this.#until.delete(oldest)
    }
  }
}
