import {
  asProcessId,
  fromBase64Url,
  type Log,
  type MessageId,
  type ProcessId,
  type Slot,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'

/** Notes on disk of where the answers of requests stand, if that is not where they stand themselves. They may get lost. */
export class AnswerNotes {
  readonly #store: Log['store']

  constructor(store: Log['store']) {
    this.#store = store
  }

  put(id: MessageId, process: ProcessId, slot: Slot): void {
    const value = new Uint8Array(40)
    value.set(fromBase64Url(process))
    new DataView(value.buffer).setBigUint64(32, BigInt(slot))
    this.#store.write([{ key: keyOf(id), value }])
  }

  async get(id: MessageId): Promise<{ process: ProcessId; slot: Slot } | undefined> {
    const value = await this.#store.get(keyOf(id))
    if (value?.length !== 40) return undefined
    const slot = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(32))
    return { process: asProcessId(toBase64Url(value.subarray(0, 32))), slot }
  }

  /** Resolves when no loss of power takes them any more. */
  flush(): Promise<void> {
    return this.#store.flush()
  }
}

const keyOf = (id: MessageId): Uint8Array => toUtf8(`ic/answer/${id}`)
