import {
  asProcessId,
  CborReader,
  CborWriter,
  type CellKey,
  fromBase64Url,
  type ProcessId,
  readSmall,
  sha256,
  type Timer,
  toBase64Url,
} from '../../protocol/index.ts'
import { optional } from '../optional-value.ts'
import { KnownTexts } from './known-texts.ts'
import { CellTable, type Spelling, type Undo } from './cell-table.ts'
import { CellTree } from './cell-tree.ts'

/** A timer, and how many slots that it fired in failed since it was due. */
export interface HeldTimer extends Timer {
  readonly failures?: number | undefined
}

/** Of a timer all but its key. */
export type TimerTimes = Omit<HeldTimer, 'key'>

/**
 * All key-value state of a process: the program's cells, the mailbox's book-keeping, and what is kept for upgrades.
 * One tree commits to all of it.
 * Changes of a slot can be undone until the next slot begins.
 */
export class CellStore {
  /** What to undo, oldest first, up to `#changes`; the list itself stays for the next slot. */
  readonly #undo: { table: CellTable<unknown> | undefined; name: string; before: unknown }[] = []
  #changes = 0
  readonly #note: Undo = (table, name, before) => {
    const known = this.#undo[this.#changes++]
    if (known === undefined) this.#undo.push({ table, name, before })
    else {
      known.table = table
      known.name = name
      known.before = before
    }
  }
  /** The program's own cells. */
  readonly program = new CellTable<Uint8Array>(PROGRAM, this.#note)
  /** By sender: the seq that its next push must have. */
  readonly next = new CellTable<number>(NEXT, this.#note)
  /** By receiver: the seq that the next push to it will have. */
  readonly sent = new CellTable<number>(SENT, this.#note)
  readonly timers = new CellTable<TimerTimes>(TIMERS, this.#note)
  /** What of the process is neither its program's nor its mailbox's: the module in force, documents it keeps. */
  readonly lifecycle = new CellTable<Uint8Array>(LIFECYCLE, this.#note)
  readonly #tables = [this.program, this.next, this.sent, this.timers, this.lifecycle] as CellTable<unknown>[]
  readonly #tree = new CellTree()
  #sinceCheckpoint = new Map<CellKey, Uint8Array | undefined>()

  /** Takes over cells as they stand in a state. */
  restore(cells: readonly (readonly [CellKey, Uint8Array])[]): void {
    for (const [key, bytes] of cells) {
      const table = this.#tables.find(({ spelling }) => key.startsWith(spelling.letter))
      if (table === undefined) throw new RangeError('a cell of no sort')
      const name = table.spelling.nameOf(key.slice(1))
      table.restore(name, table.spelling.decode(bytes))
      this.#tree.put(toBytes(key), bytes)
    }
  }

  /** What has been changed up to here stays, even if the slot fails. */
  keep(): void {
    for (let at = 0; at < this.#changes; at++) {
      const change = this.#undo[at]
      change?.table?.keep(change.name)
      if (change !== undefined) change.before = undefined
    }
    this.#begin()
  }

  /** Undoes what was changed since the last `keep`. */
  discard(): void {
    for (let at = this.#changes - 1; at >= 0; at--) {
      const change = this.#undo[at]
      change?.table?.restore(change.name, change.before)
      if (change !== undefined) change.before = undefined
    }
    this.#begin()
  }

  #begin(): void {
    this.#changes = 0
    if (this.#undo.length > UNDO_KEPT_MAX) this.#undo.length = 0
  }

  root(): Uint8Array {
    for (const table of this.#tables) {
      for (const [key, value] of table.takeStale()) {
        this.#tree.putAt(keyHash(key), value)
        this.#sinceCheckpoint.set(key, value)
      }
    }
    return this.#tree.root()
  }

  /** Cells that changed since the last call, with their values now. */
  takeChanged(): [CellKey, Uint8Array | undefined][] {
    this.root()
    const changed = [...this.#sinceCheckpoint]
    this.#sinceCheckpoint = new Map()
    return changed
  }

  /** Bytes held, roughly: for the cache. */
  get sizeBytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.size * CELL_BYTES + table.valueBytes, 0)
  }
}

/** What a cell takes beside a value of many bytes, roughly. */
const CELL_BYTES = 400

/** Entries for changes of one slot that stay for the next. */
const UNDO_KEPT_MAX = 64

const asItIs = (text: string): string => text

const bytesBy = (letter: string): Spelling<Uint8Array> => ({
  letter,
  keyOf: name => letter + name,
  nameOf: asItIs,
  encode: value => value,
  decode: bytes => bytes,
  bytesBeside: value => value.length,
})

const PROGRAM = bytesBy('u')
const LIFECYCLE = bytesBy('c')

const countBy = (letter: string): Spelling<number> => ({
  letter,
  keyOf: keysOfIds(letter),
  nameOf: (key): ProcessId => asProcessId(toBase64Url(toBytes(key))),
  encode: encodeCount,
  decode: bytes => readSmall(new CborReader(bytes)),
  bytesBeside: () => 0,
})

/** As CBOR: nearly all are few bytes, for which a writer would be much. */
function encodeCount(count: number): Uint8Array {
  if (count < 24) return Uint8Array.of(count)
  if (count < 0x100) return Uint8Array.of(0x18, count)
  if (count < 0x10000) return Uint8Array.of(0x19, count >> 8, count)
  const writer = new CborWriter()
  writer.uint(count)
  return writer.finish()
}

/** Keys of processes that were written to or came lately: they recur with every frame, as do hashes of the keys of cells. */
function keysOfIds(letter: string): (id: string) => CellKey {
  const known = new KnownTexts(id => letter + toCellKey(fromBase64Url(id)))
  return id => known.of(id)
}
const keyHashes = new KnownTexts(key => sha256(toBytes(key)))
const keyHash = (key: CellKey): Uint8Array => keyHashes.of(key)

const NEXT = countBy('n')
const SENT = countBy('s')

const TIMERS: Spelling<TimerTimes> = {
  letter: 't',
  keyOf: name => `t${name}`,
  nameOf: asItIs,
  encode({ dueMs, everyMs, failures }) {
    const writer = new CborWriter()
    writer.array(failures === undefined ? 2 : 3)
    writer.uint(dueMs)
    if (everyMs === undefined) writer.null()
    else writer.uint(everyMs)
    if (failures !== undefined) writer.uint(failures)
    return writer.finish()
  },
  decode(bytes) {
    const reader = new CborReader(bytes)
    const length = reader.array()
    const dueMs = readSmall(reader)
    const everyMs = optional(reader, () => readSmall(reader))
    return length === 2 ? { dueMs, everyMs } : { dueMs, everyMs, failures: readSmall(reader) }
  },
  bytesBeside: () => 0,
}

/** The bytes that a cell key spells. */
export function toBytes(key: CellKey): Uint8Array {
  return Buffer.from(key, 'latin1')
}

/** The cell key that bytes spell. */
export function toCellKey(bytes: Uint8Array): CellKey {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
