import { type Clock, Failure, type ProcessId } from '../protocol/index.ts'

/** Processes of which nothing is taken for a while: they are being handed over. */
export class Holds {
  readonly #clock: Pick<Clock, 'now'>
  readonly #untilMs = new Map<ProcessId, number>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Whether there may be some. */
  get any(): boolean {
    return this.#untilMs.size > 0
  }

  add(process: ProcessId, untilMs: number): void {
    this.#untilMs.set(process, untilMs)
  }

  release(process: ProcessId): void {
    this.#untilMs.delete(process)
  }

  /** @throws {Failure} `moved` if it is held */
  expectFree(process: ProcessId): void {
    const untilMs = this.#untilMs.get(process)
    if (untilMs === undefined) return
    if (untilMs > this.#clock.now()) throw new Failure('moved', { process }, { note: 'it is being handed over' })
    this.#untilMs.delete(process)
  }
}
