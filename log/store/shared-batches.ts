import type RocksDB from 'rocksdb-native'
import type { RocksReadBatch, RocksWriteBatch } from 'rocksdb-native'

/** Keys or changes in one native call; more make calls long, not cheaper. */
const TOGETHER_MAX = 4096

/** Changes one behind the other, in three parts each: key, its value or null, and where a range ends that is deleted. Objects would only be garbage. */
type Changes = (Uint8Array | null)[]
const PARTS = 3

interface Read {
  readonly key: Uint8Array
  readonly resolve: (value: Uint8Array | null) => void
  readonly reject: (error: unknown) => void
}

interface Write {
  readonly changes: Readonly<Changes>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes a database whose batches share native calls: hypercore-storage makes two or three small batches for
 * each append, and the price is per call. What one batch held stays together and in order, so nothing that
 * was atomic is less so. Snapshots keep batches of their own.
 */
export function shareBatches(db: RocksDB): RocksDB {
  return share(db, new Map())
}

/** By column family. */
type Shared = Map<unknown, SharedCalls>

function share(db: RocksDB, shared: Shared): RocksDB {
  const { session, read, write } = db
  db.session = options => share(session.call(db, options), shared)
  if (db.snapshotted) return db
  const family = db.defaultColumnFamily
  let calls = shared.get(family)
  if (calls === undefined) {
    // The first session of a column family is the storage's own, which stays open to the end.
    calls = new SharedCalls(
      options => read.call(db, options),
      options => write.call(db, options),
    )
    shared.set(family, calls)
  }
  const own = calls
  db.read = () => new SharedRead(own)
  db.write = () => new SharedWrite(own)
  return db
}

/** Gathers what is asked for in one turn of the loop. */
class SharedCalls {
  readonly #newRead: RocksDB['read']
  readonly #newWrite: RocksDB['write']
  #reads: Read[] = []
  #writes: Write[] = []

  constructor(newRead: RocksDB['read'], newWrite: RocksDB['write']) {
    this.#newRead = newRead
    this.#newWrite = newWrite
  }

  read(read: Read): void {
    if (this.#reads.push(read) === 1) afterThisTurn(() => this.#readAll())
  }

  write(write: Write): void {
    if (this.#writes.push(write) === 1) afterThisTurn(() => void this.#writeAll())
  }

  #readAll(): void {
    const all = this.#reads
    this.#reads = []
    for (let at = 0; at < all.length; at += TOGETHER_MAX) {
      const reads = all.slice(at, at + TOGETHER_MAX)
      try {
        const batch = this.#newRead({ autoDestroy: true, capacity: reads.length })
        for (const { key, resolve, reject } of reads) batch.get(key).then(resolve, reject)
        batch.tryFlush()
      } catch (error) {
        for (const { reject } of reads) reject(error)
      }
    }
  }

  async #writeAll(): Promise<void> {
    const writes = this.#writes
    this.#writes = []
    try {
      const capacity = writes.reduce((sum, { changes }) => sum + changes.length / PARTS, 0)
      const batch = this.#newWrite({ autoDestroy: true, capacity })
      for (const { changes } of writes) putAll(batch, changes)
      await batch.flush()
      for (const { resolve } of writes) resolve()
    } catch (error) {
      for (const { reject } of writes) reject(error)
    }
  }
}

class SharedRead implements RocksReadBatch {
  readonly #calls: SharedCalls
  #reads: Read[] = []

  constructor(calls: SharedCalls) {
    this.#calls = calls
  }

  get(key: Uint8Array): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => {
      this.#reads.push({ key, resolve, reject })
    })
  }

  tryFlush(): void {
    for (const read of this.#reads) this.#calls.read(read)
    this.#reads = []
  }

  destroy(): void {
    for (const { reject } of this.#reads) reject(new Error('Batch is destroyed'))
    this.#reads = []
  }
}

class SharedWrite implements RocksWriteBatch {
  readonly #calls: SharedCalls
  readonly #changes: Changes = []

  constructor(calls: SharedCalls) {
    this.#calls = calls
  }

  tryPut(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push(key, value, null)
  }

  tryDelete(key: Uint8Array): void {
    this.#changes.push(key, null, null)
  }

  tryDeleteRange(start: Uint8Array, end: Uint8Array): void {
    this.#changes.push(start, null, end)
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#calls.write({ changes: this.#changes, resolve, reject })
    })
  }

  destroy(): void {}
}

function putAll(batch: RocksWriteBatch, changes: Readonly<Changes>): void {
  for (let at = 0; at < changes.length; at += PARTS) {
    const [key, value, end] = [changes[at], changes[at + 1], changes[at + 2]]
    if (key == null) continue
    if (end != null) batch.tryDeleteRange(key, end)
    else if (value != null) batch.tryPut(key, value)
    else batch.tryDelete(key)
  }
}

/** Runs `body` when all promises that can go on now have done so: their requests come in, too. */
function afterThisTurn(body: () => void): void {
  queueMicrotask(() => process.nextTick(body))
}
