import type { Store, StoreChange } from '../../protocol/index.ts'

/** Ordered pairs in memory. */
export class MemoryStore implements Store {
  readonly #pairs = new Map<string, Uint8Array>()
  #sorted: string[] | undefined

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#pairs.get(latin1(key))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return keys.map(key => this.#pairs.get(latin1(key)))
  }

  write(changes: readonly StoreChange[]): void {
    for (const { key, value } of changes) {
      const name = latin1(key)
      if (value === undefined) {
        if (this.#pairs.delete(name)) this.#sorted = undefined
      } else {
        if (!this.#pairs.has(name)) this.#sorted = undefined
        this.#pairs.set(name, value.slice())
      }
    }
  }

  async flush(): Promise<void> {}

  async *range(options: {
    gte: Uint8Array
    lt: Uint8Array
    limit?: number
    reverse?: boolean
  }): AsyncIterable<{ key: Uint8Array; value: Uint8Array }> {
    this.#sorted ??= [...this.#pairs.keys()].sort()
    const [gte, lt] = [latin1(options.gte), latin1(options.lt)]
    const names = this.#sorted.filter(name => name >= gte && name < lt)
    if (options.reverse === true) names.reverse()
    for (const name of names.slice(0, options.limit ?? names.length)) {
      const value = this.#pairs.get(name)
      if (value !== undefined) yield { key: Uint8Array.from(Buffer.from(name, 'latin1')), value }
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
