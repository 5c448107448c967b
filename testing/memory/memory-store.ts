import type { Store, StoreChange } from '../../protocol/index.ts'
import { OrderedKeys } from './ordered-keys.ts'

/** What undoes one batch of writes. */
type Undo = readonly (readonly [key: string, before: Uint8Array | undefined])[]

/** Ordered pairs in memory. Values are kept as they are given: nobody changes them afterwards. */
export class MemoryStore implements Store {
  readonly #pairs: Map<string, Uint8Array>
  readonly #keys: OrderedKeys
  readonly #wrote: (undo: () => void) => void

  /** `wrote` is told of each batch how to undo it: what is not on disk yet may be lost. */
  constructor(options: { from?: MemoryStore; wrote?: (undo: () => void) => void } = {}) {
    const { from } = options
    this.#pairs = new Map(from === undefined ? [] : from.#pairs)
    this.#keys = new OrderedKeys(this.#pairs.keys())
    this.#wrote = options.wrote ?? (() => undefined)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#pairs.get(latin1(key))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return keys.map(key => this.#pairs.get(latin1(key)))
  }

  write(changes: readonly StoreChange[]): void {
    const undo: Undo = changes.map(({ key, value }) => {
      const name = latin1(key)
      return [name, this.#put(name, value)] as const
    })
    this.#wrote(() => {
      for (const [name, before] of undo.toReversed()) this.#put(name, before)
    })
  }

  async flush(): Promise<void> {}

  async *range(options: {
    gte: Uint8Array
    lt: Uint8Array
    limit?: number
    reverse?: boolean
  }): AsyncIterable<{ key: Uint8Array; value: Uint8Array }> {
    const { limit = Infinity, reverse = false } = options
    const names = this.#keys.range(latin1(options.gte), latin1(options.lt), limit, reverse)
    for (const name of names) {
      const value = this.#pairs.get(name)
      if (value !== undefined) yield { key: bytesOf(name), value }
    }
  }

  /** Gives what stood there before. */
  #put(name: string, value: Uint8Array | undefined): Uint8Array | undefined {
    const before = this.#pairs.get(name)
    if (value === undefined) {
      if (this.#pairs.delete(name)) this.#keys.delete(name)
      return before
    }
    if (before === undefined) this.#keys.add(name)
    this.#pairs.set(name, value)
    return before
  }
}

/** What is spelled by hand: an addon that reads a short array first gives it a buffer outside of the heap. */
const BY_HAND_MAX_BYTES = 128
const codes = Array.from({ length: BY_HAND_MAX_BYTES + 1 }, (_, length) => new Array<number>(length).fill(0))

/** Each key of each write comes by here. */
function latin1(bytes: Uint8Array): string {
  const spelled = codes[bytes.length]
  if (spelled === undefined) return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length)
  for (let at = 0; at < bytes.length; at++) spelled[at] = bytes[at] ?? 0
  return String.fromCharCode.apply(null, spelled)
}

const bytesOf = (name: string): Uint8Array => Uint8Array.from(Buffer.from(name, 'latin1'))
