import { type Clock, Failure, type KeyId, type ProcessId } from '../../protocol/index.ts'

export interface NewsParts {
  readonly clock: Clock
  tell(to: KeyId, process: ProcessId): Promise<void>
}

const AGAIN_FIRST_MS = 250
const AGAIN_MAX_MS = 10_000

/**
 * Tells other nodes that something about a process has changed, until they have heard it. One call a node at a time;
 * what changes again meanwhile is told once more.
 */
export class News {
  readonly #parts: NewsParts
  readonly #waiting = new Map<KeyId, Set<ProcessId>>()
  readonly #stop = new AbortController()

  constructor(parts: NewsParts) {
    this.#parts = parts
  }

  changed(to: KeyId, process: ProcessId): void {
    const known = this.#waiting.get(to)
    if (known !== undefined) {
      known.add(process)
      return
    }
    const waiting = new Set([process])
    this.#waiting.set(to, waiting)
    void this.#run(to, waiting)
  }

  stop(): void {
    this.#stop.abort(new Failure('shutting-down'))
  }

  async #run(to: KeyId, waiting: Set<ProcessId>): Promise<void> {
    const { tell, clock } = this.#parts
    const { signal } = this.#stop
    for (let pauseMs = AGAIN_FIRST_MS; waiting.size > 0 && !signal.aborted; ) {
      const [process] = waiting
      if (process === undefined) break
      waiting.delete(process)
      try {
        await tell(to, process)
        pauseMs = AGAIN_FIRST_MS
      } catch (error) {
        if (Failure.from(error).blame !== 'transient') continue
        waiting.add(process)
        await clock.sleep(pauseMs, { signal }).catch(() => undefined)
        pauseMs = Math.min(AGAIN_MAX_MS, 2 * pauseMs)
      }
    }
    // In the same turn: what changes from here on begins anew.
    this.#waiting.delete(to)
  }
}
