import type { Store } from '../../protocol/index.ts'
import { BloomFilter } from '../store/bloom-filter.ts'

/** Beyond this the filter would cost more memory than it saves time; RocksDB has filters of its own. */
const FILTER_MAX_BYTES = 256 * 1024 * 1024
/** Keys that are looked at without having been missed. */
const AT_ONCE = 4096
/** Keys that are looked at for each time it was asked in vain: so many cost what the database costs then. */
const FOR_EACH_MISS = 2
/** Keys that are read together: what is open in the database meanwhile keeps it from letting go of what is old. */
const PAGE = 1024

export interface KnownKeysParts {
  readonly store: Pick<Store, 'range'>
  /** The keys, all from this on and below that. */
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

/**
 * A filter over the keys of a range: whether the database certainly has not one of them, without asking it.
 *
 * It says so once it has seen all keys, those that were there when it was opened included. To look at them takes a node that had
 * many half a second of a start for each hundred thousand, and one that is soon ended again has nothing of it. So they are looked at
 * as far as they are missed: a few for each time the database had to be asked.
 */
export class KnownKeys {
  readonly #parts: KnownKeysParts
  readonly #filter = new BloomFilter()
  /** Whether the filter knows every key of the database. */
  #isComplete = false
  #isOver = false
  /** Keys that may still be looked at. */
  #credit = AT_ONCE
  /** From here on they were not looked at. */
  #next: Uint8Array
  #looking: Promise<void> | undefined

  constructor(parts: KnownKeysParts) {
    this.#parts = parts
    this.#next = parts.gte
    this.#look()
  }

  /** Adds a key; true, if the database certainly did not have it. */
  add(key: Uint8Array): boolean {
    const mayStand = this.#filter.add(key)
    if (this.#filter.sizeBytes > FILTER_MAX_BYTES) this.#giveUp()
    return this.#isComplete ? !mayStand : this.#miss()
  }

  /** Whether the database certainly has not this key. */
  lacks(key: Uint8Array): boolean {
    return this.#isComplete ? !this.#filter.mayHave(key) : this.#miss()
  }

  /** Looks at nothing any more. */
  async close(): Promise<void> {
    this.#isOver = true
    await this.#looking
  }

  #miss(): false {
    this.#credit += FOR_EACH_MISS
    this.#look()
    return false
  }

  #giveUp(): void {
    this.#isComplete = false
    this.#isOver = true
  }

  #look(): void {
    if (this.#isOver || this.#looking !== undefined || this.#credit < PAGE) return
    this.#looking = this.#lookOn().finally(() => {
      this.#looking = undefined
    })
  }

  /** Where it fails the filter stays unused for now, and the database is asked. */
  async #lookOn(): Promise<void> {
    try {
      while (this.#credit >= PAGE && !this.#isOver) {
        this.#credit -= PAGE
        if (await this.#page()) continue
        this.#isComplete = !this.#isOver
        this.#isOver = true
      }
    } catch {
      this.#isOver = true
    }
  }

  /** Whether there may be more. */
  async #page(): Promise<boolean> {
    const { store, lt } = this.#parts
    let count = 0
    for await (const { key } of store.range({ gte: this.#next, lt, limit: PAGE })) {
      this.#filter.add(key)
      this.#next = behind(key)
      count += 1
    }
    if (this.#filter.sizeBytes > FILTER_MAX_BYTES) this.#giveUp()
    return count === PAGE
  }
}

/** The first key after this one. */
function behind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}
