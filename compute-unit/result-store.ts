import type { ProcessId, Slot, Store } from '../protocol/index.ts'
import { FrameResults } from './frame-results.ts'
import { bigEndian64, lastNumber, rangeOf, storeKey } from './keys.ts'

/**
 * Results lie beside the certificates, those of one frame together: writing one costs as much as writing all.
 * They can be made again, so they are a cache.
 */
export class ResultStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  write(process: ProcessId, { firstSlot, bytes }: FrameResults): void {
    this.#store.write([{ key: storeKey('results', process, bigEndian64(firstSlot)), value: bytes }])
  }

  /** Forgets the results of `slot`, and of all later ones. */
  async dropFrom(process: ProcessId, slot: Slot): Promise<void> {
    const { lt } = rangeOf(storeKey('results', process))
    const dropped: { key: Uint8Array; value: undefined }[] = []
    for await (const { key } of this.#store.range({ gte: storeKey('results', process, bigEndian64(slot)), lt }))
      dropped.push({ key, value: undefined })
    if (dropped.length > 0) this.#store.write(dropped)
  }

  /** The results of the frame that holds `slot`. */
  async frameOf(process: ProcessId, slot: Slot): Promise<FrameResults | undefined> {
    const { gte } = rangeOf(storeKey('results', process))
    const lt = storeKey('results', process, bigEndian64(slot + 1))
    for await (const { key, value } of this.#store.range({ gte, lt, limit: 1, reverse: true })) {
      const frame = new FrameResults(lastNumber(key), value)
      return frame.at(slot) === undefined ? undefined : frame
    }
    return undefined
  }
}
