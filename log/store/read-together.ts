import type RocksDB from 'rocksdb-native'
import { plainBytes } from '../plain-bytes.ts'

interface Asked {
  readonly key: Uint8Array
  readonly resolve: (value: Uint8Array | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Reads that are asked for in the same turn go to the database in one call: its price is per call. */
export class ReadTogether {
  readonly #db: RocksDB
  #asked: Asked[] = []

  constructor(db: RocksDB) {
    this.#db = db
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#asked.push({ key, resolve, reject }) === 1) queueMicrotask(() => this.#read())
    })
  }

  #read(): void {
    const asked = this.#asked
    this.#asked = []
    try {
      const batch = this.#db.read({ autoDestroy: true, capacity: asked.length })
      for (const { key, resolve, reject } of asked) {
        batch.get(key).then(value => resolve(value === null ? undefined : plainBytes(value)), reject)
      }
      batch.tryFlush()
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
}
