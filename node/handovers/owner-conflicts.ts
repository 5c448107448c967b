import {
  Failure,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  readEpochItem,
  toUtf8,
} from '../../protocol/index.ts'

const PREFIX = 'node/epoch-conflict'

/**
 * Processes whose owners signed two records of one epoch: they stand still for good. The second record is kept, one for each process:
 * with the first it shows whose fault it is, to whoever has not seen both.
 */
export class OwnerConflicts {
  readonly #log: Log
  readonly #items = new Map<ProcessId, Uint8Array>()

  constructor(log: Log) {
    this.#log = log
  }

  /** What was kept when this node was last up; it counts once it is checked, and added, again. */
  async *kept(): AsyncGenerator<Uint8Array> {
    const range = { gte: toUtf8(`${PREFIX}/`), lt: toUtf8(`${PREFIX}0`) }
    for await (const { value } of this.#log.store.range(range)) yield value
  }

  /** The second record; nothing, if its owner signed one for each epoch. */
  itemOf(process: ProcessId): Uint8Array | undefined {
    return this.#items.get(process)
  }

  /** Has a process stand still: both records are its owner's. Says why, and whether that is new. */
  add(
    process: ProcessDescription,
    held: Uint8Array,
    seen: Uint8Array,
  ): { readonly failure: Failure; readonly isNew: boolean } {
    const [one, other] = [readEpochItem(held).record, readEpochItem(seen).record]
    const blocks = Math.min(one.prologue.length, other.prologue.length)
    const failure = new Failure('owner-equivocated', { process: process.id, epoch: other.epoch, blocks })
    this.#log.freeze(messagesFeed(process), blocks, failure)
    if (this.#items.has(process.id)) return { failure, isNew: false }
    const item = seen.slice()
    this.#items.set(process.id, item)
    this.#log.store.write([{ key: toUtf8(`${PREFIX}/${process.id}`), value: item }])
    return { failure, isNew: true }
  }
}
