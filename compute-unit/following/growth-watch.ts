import type { ProcessId } from '../../protocol/index.ts'

/** Who waits for the next evaluated frame of a process. */
export class GrowthWatch {
  readonly #watchers = new Map<ProcessId, Set<() => void>>()
  #closed = false

  isWatched(process: ProcessId): boolean {
    return this.#watchers.has(process)
  }

  /** Resolves at the next frame of a process, or when the signal ends the wait. */
  next(process: ProcessId, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watchers = this.#watchers.get(process) ?? new Set()
    this.#watchers.set(process, watchers)
    const wake = (): void => {
      watchers.delete(wake)
      if (watchers.size === 0) this.#watchers.delete(process)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    watchers.add(wake)
    signal?.addEventListener('abort', wake)
    if (this.#closed || signal?.aborted === true) wake()
    return promise
  }

  /** There is a new frame, or the frames are others. */
  tell(process: ProcessId): void {
    for (const wake of this.#watchers.get(process) ?? []) wake()
  }

  /** Ends all waits, and those that begin later. */
  close(): void {
    this.#closed = true
    for (const watchers of this.#watchers.values()) for (const wake of watchers) wake()
  }
}
