import type { ProcessId } from '../ids.ts'
import type { ProcessDescription } from '../process/process.ts'
import { readEpochItem, withEpoch } from './epoch-record.ts'

/** The epoch records of processes, and what those make of their descriptions. Whoever adds one has checked it. */
export class EpochChains {
  readonly #items: Map<ProcessId, readonly Uint8Array[]>
  /** By process: what was spawned, and what it is now. */
  readonly #known = new Map<ProcessId, { readonly spawned: ProcessDescription; readonly now: ProcessDescription }>()

  constructor(from: Iterable<readonly [ProcessId, readonly Uint8Array[]]> = []) {
    this.#items = new Map(from)
  }

  /** Processes that were handed over. */
  get processes(): readonly ProcessId[] {
    return [...this.#items.keys()]
  }

  /** The signed items of a process, that of epoch 1 first. */
  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#items.get(process) ?? []
  }

  /** Adds the record of the next epoch. */
  add(process: ProcessId, item: Uint8Array): readonly Uint8Array[] {
    const items = [...this.itemsOf(process), item.slice()]
    this.#items.set(process, items)
    this.#known.delete(process)
    return items
  }

  /** What a process is in its newest epoch; the same object, as long as that is. */
  present<T extends ProcessDescription | undefined>(spawned: T): T | ProcessDescription {
    const items = spawned && this.#items.get(spawned.id)
    if (spawned === undefined || items === undefined) return spawned
    const known = this.#known.get(spawned.id)
    if (known?.spawned === spawned) return known.now
    const now = items.reduce<ProcessDescription>(
      (process, item) => withEpoch(process, readEpochItem(item).record),
      spawned,
    )
    this.#known.set(spawned.id, { spawned, now })
    return now
  }

  /** How many blocks of the feed of an epoch of a process stand; those behind belong to nobody. */
  endOf(process: ProcessId, epoch: number): number {
    return Math.min(
      ...this.itemsOf(process)
        .slice(epoch)
        .map(item => readEpochItem(item).record.prologue.length),
    )
  }

  copy(): EpochChains {
    return new EpochChains(this.#items)
  }
}
