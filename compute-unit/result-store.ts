import { type EncodedResult, type ProcessId, type Slot, type Store } from '../protocol/index.ts'
import { bigEndian64, storeKey } from './keys.ts'

/** Results lie beside the certificates. They can be made again, so they are a cache. */
export class ResultStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  write(process: ProcessId, firstSlot: Slot, results: readonly EncodedResult[]): void {
    const prefix = storeKey('result', process)
    this.#store.write(
      results.map(({ bytes }, i) => ({ key: slotKey(prefix, firstSlot + i), value: bytes })),
    )
  }

  read(process: ProcessId, slot: Slot): Promise<Uint8Array | undefined> {
    return this.#store.get(slotKey(storeKey('result', process), slot))
  }

  readMany(process: ProcessId, from: Slot, to: Slot): Promise<readonly (Uint8Array | undefined)[]> {
    const prefix = storeKey('result', process)
    const keys = Array.from({ length: Math.max(0, to - from) }, (_, i) => slotKey(prefix, from + i))
    return this.#store.getMany(keys)
  }
}

function slotKey(prefix: Uint8Array, slot: Slot): Uint8Array {
  const key = new Uint8Array(prefix.length + 8)
  key.set(prefix)
  key.set(bigEndian64(slot), prefix.length)
  return key
}
