import type { ProcessId } from '../../protocol/index.ts'

/** Has one thing after the other done to each process; to different ones at once. */
export class ProcessTurns {
  readonly #last = new Map<ProcessId, Promise<unknown>>()

  /** Does `body` once all that was begun before for this process has ended, well or not. */
  async take<T>(process: ProcessId, body: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(process) ?? Promise.resolve()).then(body)
    const settled = turn.catch(() => undefined)
    this.#last.set(process, settled)
    try {
      return await turn
    } finally {
      if (this.#last.get(process) === settled) this.#last.delete(process)
    }
  }
}
