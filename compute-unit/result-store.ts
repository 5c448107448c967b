import {
  CborReader,
  CborWriter,
  type EncodedResult,
  type ProcessId,
  type Slot,
  type Store,
} from '../protocol/index.ts'
import { bigEndian64, lastNumber, rangeOf, storeKey } from './keys.ts'

/** Results of consecutive slots, as encoded. */
export interface StoredFrame {
  readonly firstSlot: Slot
  readonly results: readonly Uint8Array[]
}

/**
 * Results lie beside the certificates, those of one frame together: writing one costs as much as writing all.
 * They can be made again, so they are a cache.
 */
export class ResultStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  write(process: ProcessId, firstSlot: Slot, results: readonly EncodedResult[]): void {
    const writer = new CborWriter()
    writer.array(results.length)
    for (const { bytes } of results) writer.bytes(bytes)
    this.#store.write([{ key: storeKey('results', process, bigEndian64(firstSlot)), value: writer.finish() }])
  }

  /** The results of the frame that holds `slot`. */
  async frameOf(process: ProcessId, slot: Slot): Promise<StoredFrame | undefined> {
    const { gte } = rangeOf(storeKey('results', process))
    const lt = storeKey('results', process, bigEndian64(slot + 1))
    for await (const { key, value } of this.#store.range({ gte, lt, limit: 1, reverse: true })) {
      const frame = decodeFrameResults(lastNumber(key), value)
      return slot < frame.firstSlot + frame.results.length ? frame : undefined
    }
    return undefined
  }
}

function decodeFrameResults(firstSlot: Slot, value: Uint8Array): StoredFrame {
  const reader = new CborReader(value)
  const results: Uint8Array[] = []
  for (let left = reader.array(); left > 0; left--) results.push(reader.bytes())
  return { firstSlot, results }
}
