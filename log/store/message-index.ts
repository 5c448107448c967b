import {
  asProcessId,
  type Failure,
  type MessageId,
  type MessageIndex,
  type NewBlock,
  type ProcessId,
  type Slot,
  type StoreChange,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import { KnownKeys } from '../feeds/known-keys.ts'
import type { RocksStore } from './rocks-store.ts'

const PREFIX = toUtf8('log/i/')
const PREFIX_END = toUtf8('log/i0')
const ID_SIZE_BYTES = 32
const KEY_SIZE_BYTES = PREFIX.length + 2 * ID_SIZE_BYTES
/** Messages that are written to the store in one step. */
const STEP_MAX = 1024

/** Of a message that may stand in the store already. */
interface Place {
  readonly key: Uint8Array
  readonly process: ProcessId
  readonly id: MessageId
  readonly slot: Slot
}

interface Note {
  readonly change: StoreChange
}

/**
 * Where messages stand: `log/i/` + id + process → slot, in the store. A filter over all keys answers "unknown" without asking
 * the database: what is unknown goes to the store at once, all else lies in memory until it was looked up there.
 */
export class StoredMessageIndex implements MessageIndex {
  readonly #store: RocksStore
  readonly #known: KnownKeys
  #fresh = new Map<ProcessId, Map<MessageId, Place>>()
  #queue: (Place | Note)[] = []
  #writing: Promise<void> | undefined
  #failure: Failure | undefined

  constructor(store: RocksStore) {
    this.#store = store
    this.#known = new KnownKeys({ store, gte: PREFIX, lt: PREFIX_END })
  }

  /** Adds the places of a block; a message that stands twice keeps its first slot. */
  add({ feed: { process }, ids, firstSlot }: Pick<NewBlock, 'feed' | 'ids' | 'firstSlot'>): void {
    const changes: StoreChange[] = []
    let slot = firstSlot
    for (const id of ids) {
      const key = keyOf(id, process)
      if (this.#known.add(key)) changes.push(changeOf(key, slot))
      else this.#doubt({ key, process, id, slot })
      slot += 1
    }
    if (changes.length > 0) this.#store.write(changes)
  }

  #doubt(place: Place): void {
    const { process, id } = place
    let fresh = this.#fresh.get(process)
    if (fresh === undefined) this.#fresh.set(process, (fresh = new Map()))
    if (fresh.has(id)) return
    fresh.set(id, place)
    this.#queue.push(place)
    this.#start()
  }

  /** Writes a change to the store behind all that was added so far. */
  note(change: StoreChange): void {
    this.#queue.push({ change })
    this.#start()
  }

  /** Resolves when the store has taken all that was added. @throws {Failure} what keeps it from that */
  async flush(): Promise<void> {
    while (this.#queue.length > 0 || this.#writing !== undefined) {
      this.#start()
      await this.#writing
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  lacks(process: ProcessId, id: MessageId): boolean {
    if (this.#fresh.get(process)?.has(id) === true) return false
    writeKey(lastAsked, id, process)
    return this.#known.lacks(lastAsked)
  }

  async slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined> {
    const [slot] = await this.slotsOf(process, [id])
    return slot
  }

  async slotsOf(process: ProcessId, ids: readonly MessageId[]): Promise<readonly (Slot | undefined)[]> {
    const freshOnes = this.#fresh.get(process)
    const slots: (Slot | undefined)[] = []
    const asked: { at: number; key: Uint8Array }[] = []
    for (const [at, id] of ids.entries()) {
      slots.push(freshOnes?.get(id)?.slot)
      const key = keyOf(id, process)
      if (!this.#known.lacks(key)) asked.push({ at, key })
    }
    if (asked.length === 0) return slots
    const values = await this.#store.getMany(asked.map(({ key }) => key))
    for (const [i, { at }] of asked.entries()) slots[at] = readSlot(values[i]) ?? slots[at]
    return slots
  }

  async forget(process: ProcessId, places: ReadonlyMap<MessageId, Slot>): Promise<void> {
    await this.flush()
    const slots = [...places.values()]
    const keys = Array.from(places.keys(), id => keyOf(id, process))
    const values = await this.#store.getMany(keys)
    const gone = keys.filter((_, at) => readSlot(values[at]) === slots[at])
    if (gone.length > 0) this.#store.write(gone.map(key => ({ key, value: undefined })))
  }

  async placesOf(id: MessageId): Promise<readonly { process: ProcessId; slot: Slot }[]> {
    // What is fresh first: a place may move from there to the store while we read, never back.
    const places = new Map<ProcessId, Slot>()
    for (const [process, fresh] of this.#fresh) {
      const slot = fresh.get(id)?.slot
      if (slot !== undefined) places.set(process, slot)
    }
    const [gte, lt] = rangeOf(id)
    for await (const { key, value } of this.#store.range({ gte, lt })) {
      const slot = readSlot(value)
      if (slot !== undefined) places.set(asProcessId(toBase64Url(key.subarray(PREFIX.length + ID_SIZE_BYTES))), slot)
    }
    return Array.from(places, ([process, slot]) => ({ process, slot }))
  }

  /** Stops the scan; what was added must have been flushed. */
  async close(): Promise<void> {
    await this.#known.close()
  }

  #start(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    // Gives the commit that called us its turn first.
    await new Promise<void>(resolve => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const places = this.#queue.slice(0, STEP_MAX)
      try {
        this.#store.write(await this.#unwritten(places))
        this.#failure = undefined
      } catch (error) {
        // The store is being opened anew; what is fresh stays in memory, and the next block tries again.
        this.#failure = diskFailure(error, 'index')
        return
      }
      this.#queue.splice(0, places.length)
      for (const place of places) if ('id' in place) this.#forget(place.process, place.id)
    }
  }

  /** The first place wins, so what may stand in the store is looked up before it is written. */
  async #unwritten(places: readonly (Place | Note)[]): Promise<readonly StoreChange[]> {
    const doubtful: Place[] = []
    const changes: StoreChange[] = []
    const notes: StoreChange[] = []
    for (const place of places) {
      if ('change' in place) notes.push(place.change)
      else doubtful.push(place)
    }
    if (doubtful.length > 0) {
      const held = await this.#store.getMany(doubtful.map(({ key }) => key))
      for (const [i, place] of doubtful.entries()) {
        const slot = readSlot(held[i])
        if (slot === undefined || slot > place.slot) changes.push(changeOf(place.key, place.slot))
      }
    }
    changes.push(...notes)
    return changes
  }

  #forget(process: ProcessId, id: MessageId): void {
    const fresh = this.#fresh.get(process)
    fresh?.delete(id)
    if (fresh?.size === 0) this.#fresh.delete(process)
  }
}

/** The key that was last asked for, which nobody keeps. */
const lastAsked = Buffer.alloc(KEY_SIZE_BYTES)

function keyOf(id: MessageId, process: ProcessId): Uint8Array {
  const key = Buffer.allocUnsafe(KEY_SIZE_BYTES)
  writeKey(key, id, process)
  return key
}

/** The process of the last key: most come one behind the other. */
const lastProcess = { id: '', bytes: Buffer.alloc(ID_SIZE_BYTES) }

function writeKey(key: Buffer, id: MessageId, process: ProcessId): void {
  if (process !== lastProcess.id) {
    lastProcess.id = process
    lastProcess.bytes.write(process, 0, 'base64url')
  }
  key.set(PREFIX)
  key.write(id, PREFIX.length, 'base64url')
  key.set(lastProcess.bytes, PREFIX.length + ID_SIZE_BYTES)
}

function rangeOf(id: MessageId): readonly [Uint8Array, Uint8Array] {
  const first = Buffer.alloc(KEY_SIZE_BYTES)
  first.set(PREFIX)
  first.write(id, PREFIX.length, 'base64url')
  const last = Buffer.alloc(KEY_SIZE_BYTES + 1, 0xff)
  last.set(first.subarray(0, PREFIX.length + ID_SIZE_BYTES))
  return [first, last]
}

/** Six bytes hold every safe slot. */
const SLOT_SIZE_BYTES = 6

function changeOf(key: Uint8Array, slot: Slot): StoreChange {
  const value = Buffer.allocUnsafe(SLOT_SIZE_BYTES)
  value.writeUIntBE(slot, 0, SLOT_SIZE_BYTES)
  return { key, value }
}

function readSlot(value: Uint8Array | undefined): Slot | undefined {
  if (value === undefined) return undefined
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).readUIntBE(0, SLOT_SIZE_BYTES)
}
