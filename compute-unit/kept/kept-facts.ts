import {
  asProcessId,
  type Lifecycle,
  type Log,
  type ProcessId,
  type Timer,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { decodeLifecycle, encodeLifecycle } from '../evaluation/index.ts'
import { rangeOf, storeKey } from './keys.ts'
import { decodeTimers, encodeTimers, timersKey } from '../timers.ts'

/** Processes whose lifecycle is at hand: whoever looks at one asks for it, again and again, and nearly all have none. */
const LIFECYCLES_MAX = 1024

/** What is kept of each process beside its state: its timers, and what its module was. Evaluating its feed again gives both. */
export class KeptFacts {
  readonly #store: Log['store']
  readonly #lifecycles = new Map<ProcessId, Lifecycle | undefined>()

  constructor(store: Log['store']) {
    this.#store = store
  }

  async lifecycle(process: ProcessId): Promise<Lifecycle | undefined> {
    if (!this.#lifecycles.has(process)) {
      const kept = await this.#store.get(storeKey('lifecycle', process))
      // It may have been told meanwhile.
      if (!this.#lifecycles.has(process)) this.#remember(process, kept && decodeLifecycle(kept))
    }
    return this.#lifecycles.get(process)
  }

  keepLifecycle(process: ProcessId, lifecycle: Lifecycle): void {
    this.#remember(process, lifecycle)
    this.#store.write([{ key: storeKey('lifecycle', process), value: encodeLifecycle(lifecycle) }])
  }

  async timers(process: ProcessId): Promise<readonly Timer[]> {
    const kept = await this.#store.get(timersKey(process))
    return kept === undefined ? [] : decodeTimers(kept)
  }

  keepTimers(process: ProcessId, timers: readonly Timer[]): void {
    this.#store.write([{ key: timersKey(process), value: timers.length === 0 ? undefined : encodeTimers(timers) }])
  }

  /** The timers of all processes that hold some. */
  async *allTimers(): AsyncIterable<readonly [ProcessId, readonly Timer[]]> {
    const prefix = toUtf8('compute/timers/')
    for await (const { key, value } of this.#store.range(rangeOf(prefix))) {
      yield [asProcessId(toBase64Url(key.subarray(prefix.length))), decodeTimers(value)]
    }
  }

  #remember(process: ProcessId, lifecycle: Lifecycle | undefined): void {
    if (this.#lifecycles.size >= LIFECYCLES_MAX) this.#lifecycles.clear()
    this.#lifecycles.set(process, lifecycle)
  }
}
