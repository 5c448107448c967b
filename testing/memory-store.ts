import type { Store, StoreChange } from '../protocol/index.ts'

/** What undoes one batch of writes. */
type Undo = readonly (readonly [key: string, before: Uint8Array | undefined])[]

/** Ordered pairs in memory. Values are kept as they are given: nobody changes them afterwards. */
export class MemoryStore implements Store {
  readonly #pairs: Map<string, Uint8Array>
  /** All keys in order; nothing after a key came or went, until somebody asks for a range. */
  #keys: string[] | undefined
  readonly #wrote: (undo: () => void) => void

  /** `wrote` is told of each batch how to undo it: what is not on disk yet may be lost. */
  constructor(options: { from?: MemoryStore; wrote?: (undo: () => void) => void } = {}) {
    const { from } = options
    this.#pairs = new Map(from === undefined ? [] : from.#pairs)
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
      const before = this.#pairs.get(name)
      this.#put(name, value)
      return [name, before] as const
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
    const keys = this.#sorted()
    const [from, to] = [placeIn(keys, latin1(options.gte)), placeIn(keys, latin1(options.lt))]
    const names = reverse
      ? keys.slice(Math.max(from, to - limit), to).reverse()
      : keys.slice(from, Math.min(to, from + limit))
    for (const name of names) {
      const value = this.#pairs.get(name)
      if (value !== undefined) yield { key: bytesOf(name), value }
    }
  }

  #put(name: string, value: Uint8Array | undefined): void {
    if (value === undefined) {
      if (this.#pairs.delete(name)) this.#keys = undefined
      return
    }
    if (!this.#pairs.has(name)) this.#keys = undefined
    this.#pairs.set(name, value)
  }

  #sorted(): string[] {
    this.#keys ??= [...this.#pairs.keys()].sort(byCode)
    return this.#keys
  }
}

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** How many keys come before `name`. */
function placeIn(keys: readonly string[], name: string): number {
  let low = 0
  for (let high = keys.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

const bytesOf = (name: string): Uint8Array => Uint8Array.from(Buffer.from(name, 'latin1'))
