import { type Clock, Failure, type ProcessId } from '../protocol/index.ts'

/** Processes of which nothing is taken for a while: they are being handed over. */
export class Holds {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  /** By the time that passes: a date that is set ends no handover, and makes none last. */
  readonly #untilMs = new Map<ProcessId, number>()

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>) {
    this.#clock = clock
  }

  /** Whether a process is held now. */
  has(process: ProcessId): boolean {
    const untilMs = this.#untilMs.get(process)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.elapsed()) return true
    this.#untilMs.delete(process)
    return false
  }

  /** Holds a process until that date, or for as long as it is held already if that is longer. */
  add(process: ProcessId, untilMs: number): void {
    for (const other of [...this.#untilMs.keys()]) this.has(other)
    const endMs = this.#clock.elapsed() + untilMs - this.#clock.now()
    this.#untilMs.set(process, Math.max(endMs, this.#untilMs.get(process) ?? endMs))
  }

  release(process: ProcessId): void {
    this.#untilMs.delete(process)
  }

  /** @throws {Failure} `moved` if it is held */
  expectFree(process: ProcessId): void {
    if (this.has(process)) throw new Failure('moved', { process }, { note: 'it is being handed over' })
  }
}
