import { dirname } from 'node:path'
import RocksDB from 'rocksdb-native'
import { compareBytes, Failure, type Store, type StoreChange } from '../../protocol/index.ts'
import { DATABASE_MEMORY } from './database-memory.ts'
import { diskFailure, isLocked } from '../disk-failure.ts'
import { mergedPairs } from './merged-pairs.ts'
import { ReadTogether } from './read-together.ts'

/** Changes that go to the database in one batch. */
const BATCH_CHANGES_MAX = 8_000
/** Changes that are worth a batch: more of them together cost no less each, and what waits long grows old in the heap. */
const WORTH_CHANGES = 256
/** How long a change may wait for others. */
const LINGER_MS = 500
/** Bytes of changes not yet with the database; above it `settled` waits. */
const BACKLOG_MAX_BYTES = 32 * 1024 * 1024
/** Pause before a database that failed is opened anew. */
const REOPEN_PAUSE_MS = 500
/** Pairs that a walk takes from the database at once. */
const TOGETHER_MAX = 256
/** The same, of walks that do not say how many they want: each has room for them, and in a burst thousands that wake walk at once. */
const TOGETHER_UNLESS_SAID = 64

interface Pending {
  /** The key as text. */
  readonly name: string
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Ordered pairs in a RocksDB of our own. What is not yet with the database lies in memory above it. */
export class RocksStore implements Store, AsyncDisposable {
  readonly #folder: string
  #db: RocksDB
  #reads: ReadTogether
  /** Latest change of each key that waits for the next run, and of those of the run under way: gone as a whole, a map keeps nothing of what lay in it (decision 0043). */
  #gathered = new Map<string, Pending>()
  #underWay: ReadonlyMap<string, Pending> = new Map()
  #queue: Pending[] = []
  /** Changes that ever came, and how many of these, in that order, are with the database. */
  #given = 0
  #written = 0
  #backlogBytes = 0
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #reopening: NodeJS.Timeout | undefined
  /** Resolves when it is open anew, or is not. */
  #opening: Promise<void> | undefined
  /** The database failed, and is not open anew yet: nothing is written to it. */
  #isDown = false
  #waiting: (() => void)[] = []
  #failure: Failure | undefined
  #closed = false

  private constructor(folder: string, db: RocksDB) {
    this.#folder = folder
    this.#db = db
    this.#reads = new ReadTogether(db)
  }

  /** @throws {Failure} `data-folder-locked`, `data-folder-damaged` */
  static async open(folder: string): Promise<RocksStore> {
    return new RocksStore(folder, await openDatabase(folder))
  }

  /** Why changes are not reaching the disk, if they are not. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const pending = this.#latest(nameOf(key))
    if (pending !== undefined) return pending.value
    try {
      return await this.#reads.get(key)
    } catch (error) {
      throw this.#whyNot(error)
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return await Promise.all(keys.map(key => this.get(key)))
  }

  write(changes: readonly StoreChange[]): void {
    if (this.#closed) throw new Failure('shutting-down')
    for (const { key, value } of changes) {
      const change = { name: nameOf(key), key, value }
      this.#gathered.set(change.name, change)
      this.#queue.push(change)
      this.#backlogBytes += sizeOf(change)
    }
    this.#given += changes.length
    this.#linger()
  }

  get hasRoom(): boolean {
    return this.#backlogBytes <= BACKLOG_MAX_BYTES
  }

  /** Resolves at once unless too much waits for the database. */
  async settled(): Promise<void> {
    while (this.#backlogBytes > BACKLOG_MAX_BYTES && !this.#closed) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async flush(): Promise<void> {
    const given = this.#given
    do {
      this.#start()
      // Once it has ended the next run may be under way already, with what came before this call.
      await this.#writing
      if (this.#failure !== undefined) throw this.#failure
    } while (this.#written < given)
  }

  /** Resolves when all writes so far survive power loss. @throws {Failure} `disk-full`, `disk-fault` */
  async sync(): Promise<void> {
    await this.flush()
    try {
      await this.#db.flush()
    } catch (error) {
      throw diskFailure(error, 'store')
    }
  }

  async *range(options: {
    gte: Uint8Array
    lt: Uint8Array
    limit?: number
    reverse?: boolean
  }): AsyncIterable<{ key: Uint8Array; value: Uint8Array }> {
    const { gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY } = options
    const wanted = options.limit ?? TOGETHER_UNLESS_SAID
    if (compareBytes(gte, lt) >= 0 || limit <= 0) return
    const above = this.#pendingBetween(gte, lt, reverse)
    const capacity = Math.min(TOGETHER_MAX, wanted + above.length)
    let given = 0
    try {
      const below = this.#db.iterator({ gte, lt, reverse, capacity })
      for await (const pair of mergedPairs(above, below, reverse)) {
        yield pair
        if (++given >= limit) return
      }
    } catch (error) {
      throw this.#whyNot(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#writing !== undefined) await this.flush()
    } finally {
      this.#closed = true
      clearTimeout(this.#timer)
      clearTimeout(this.#reopening)
      this.#wake()
      // Else it would be open when this has ended.
      await this.#opening
      await this.#db.close({ force: true })
    }
  }

  /** Why a read failed: while a failed database is opened anew, for what made it fail. */
  #whyNot(error: unknown): Failure {
    return this.#failure ?? diskFailure(error, 'store')
  }

  #pendingBetween(gte: Uint8Array, lt: Uint8Array, reverse: boolean): Pending[] {
    if (this.#gathered.size + this.#underWay.size === 0) return []
    const [from, to] = [nameOf(gte), nameOf(lt)]
    const found: Pending[] = []
    for (const changes of [this.#underWay, this.#gathered]) {
      for (const change of changes.values()) {
        const { name } = change
        if (name >= from && name < to && this.#latest(name) === change) found.push(change)
      }
    }
    const sign = reverse ? -1 : 1
    return found.sort((a, b) => (a.name < b.name ? -sign : sign))
  }

  /** The latest change of a key that the database may not have. */
  #latest(name: string): Pending | undefined {
    return this.#gathered.get(name) ?? this.#underWay.get(name)
  }

  /** Sees to it that the queue is written, once enough has come or some time has passed. */
  #linger(): void {
    if (this.#queue.length >= WORTH_CHANGES) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), LINGER_MS)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#queue.length === 0 || this.#isDown) return
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined
      if (this.#queue.length > 0 && this.#failure === undefined && !this.#closed) this.#linger()
    })
  }

  /** Writes what is queued now; what comes meanwhile gathers for the next run. */
  async #run(): Promise<void> {
    this.#underWay = this.#gathered
    this.#gathered = new Map()
    for (let left = this.#queue.length; left > 0; ) {
      const taken = this.#queue.splice(0, Math.min(left, BATCH_CHANGES_MAX))
      left -= taken.length
      try {
        await this.#apply(taken)
        this.#failure = undefined
      } catch (error) {
        this.#failure = diskFailure(error, 'store')
        this.#queue = [...taken, ...this.#queue]
        this.#gathered = new Map([...this.#underWay, ...this.#gathered])
        this.#wake()
        this.#isDown = true
        this.#reopenSoon()
        return
      }
      this.#written += taken.length
      for (const change of taken) this.#backlogBytes -= sizeOf(change)
      this.#wake()
    }
    this.#underWay = new Map()
  }

  async #apply(taken: readonly Pending[]): Promise<void> {
    const batch = this.#db.write({ autoDestroy: true, capacity: taken.length })
    for (const change of taken) {
      // Superseded by what is written with it. What comes in a later batch may not get there: this one would be without either.
      if (this.#queue.length === 0 && this.#latest(change.name) !== change) continue
      if (change.value === undefined) batch.tryDelete(change.key)
      else batch.tryPut(change.key, change.value)
    }
    await batch.flush()
  }

  /** A RocksDB that failed once, for want of space, stays failed until it is opened again. */
  #reopenSoon(): void {
    if (this.#closed) return
    this.#reopening ??= setTimeout(() => {
      this.#reopening = undefined
      this.#opening = this.#reopen()
    }, REOPEN_PAUSE_MS)
  }

  async #reopen(): Promise<void> {
    try {
      await this.#db.close({ force: true }).catch(() => undefined)
      this.#db = await openDatabase(this.#folder)
      this.#reads = new ReadTogether(this.#db)
      this.#isDown = false
      if (!this.#closed) this.#start()
    } catch {
      this.#reopenSoon()
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

async function openDatabase(folder: string): Promise<RocksDB> {
  const db = new RocksDB(folder, DATABASE_MEMORY)
  try {
    await db.ready()
    return db
  } catch (error) {
    if (isLocked(error)) throw new Failure('data-folder-locked', { folder: dirname(folder) }, { cause: error })
    const failure = diskFailure(error, 'store')
    if (failure.code === 'disk-full') throw failure
    throw new Failure(
      'data-folder-damaged',
      { folder: 'store' },
      { cause: error, note: 'the store is a cache: remove its folder to have it rebuilt' },
    )
  }
}

function sizeOf({ key, value }: Pending): number {
  return key.length + (value?.length ?? 0) + 64
}

/** A key as text whose order is that of the bytes. */
function nameOf(key: Uint8Array): string {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return bytes.toString('latin1')
}
