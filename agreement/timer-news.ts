import {
  type Clock,
  Failure,
  type KeyId,
  type ProcessId,
  type UnitPeers,
} from '../protocol/index.ts'

const AGAIN_FIRST_MS = 250
const AGAIN_MAX_MS = 30_000

/** Tells schedulers elsewhere that timers of their processes have changed, until they have heard it. */
export class TimerNews {
  readonly #parts: { readonly peers: Pick<UnitPeers, 'timersChanged'>; readonly clock: Clock }
  readonly #waiting = new Map<KeyId, Set<ProcessId>>()
  readonly #stop = new AbortController()

  constructor(parts: { readonly peers: Pick<UnitPeers, 'timersChanged'>; readonly clock: Clock }) {
    this.#parts = parts
  }

  changed(scheduler: KeyId, process: ProcessId): void {
    const known = this.#waiting.get(scheduler)
    if (known !== undefined) {
      known.add(process)
      return
    }
    const waiting = new Set([process])
    this.#waiting.set(scheduler, waiting)
    void this.#run(scheduler, waiting).finally(() => this.#waiting.delete(scheduler))
  }

  stop(): void {
    this.#stop.abort(new Failure('shutting-down'))
  }

  async #run(scheduler: KeyId, waiting: Set<ProcessId>): Promise<void> {
    const { peers, clock } = this.#parts
    const { signal } = this.#stop
    for (let pauseMs = AGAIN_FIRST_MS; waiting.size > 0 && !signal.aborted; ) {
      const [process] = waiting
      if (process === undefined) return
      waiting.delete(process)
      try {
        await peers.timersChanged(scheduler, process)
        pauseMs = AGAIN_FIRST_MS
      } catch (error) {
        if (Failure.from(error).blame !== 'transient') continue
        waiting.add(process)
        await clock.sleep(pauseMs, { signal }).catch(() => undefined)
        pauseMs = Math.min(AGAIN_MAX_MS, 2 * pauseMs)
      }
    }
  }
}
