import {
  CELL_KEY_MAX_BYTES,
  CELL_VALUE_MAX_BYTES,
  type CellKey,
  type Cells,
  SCAN_MAX,
} from '../../protocol/index.ts'
import { CellTree } from './cell-tree.ts'

/** A guest asked for something beyond a limit: the slot fails, deterministically. */
export class GuestLimit extends Error {
  override readonly name = 'GuestLimit'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * All key-value state of a process: the guest's cells and the mailbox's book-keeping, told apart by the
 * first character of the key. Changes of a slot can be undone until the next slot begins.
 */
export class CellStore {
  readonly #cells = new Map<CellKey, Uint8Array>()
  readonly #tree = new CellTree()
  readonly #staleInTree = new Set<CellKey>()
  readonly #sinceCheckpoint = new Set<CellKey>()
  #undo = new Map<CellKey, Uint8Array | undefined>()
  #sorted: CellKey[] | undefined = []
  #valueBytes = 0

  get(key: CellKey): Uint8Array | undefined {
    return this.#cells.get(key)
  }

  get size(): number {
    return this.#cells.size
  }

  put(key: CellKey, value: Uint8Array | undefined): void {
    const before = this.#cells.get(key)
    if (value === undefined && before === undefined) return
    if (!this.#undo.has(key)) this.#undo.set(key, before)
    this.#change(key, before, value)
  }

  /** What has been changed up to here stays, even if the slot fails. */
  keep(): void {
    if (this.#undo.size === 0) return
    for (const key of this.#undo.keys()) {
      this.#staleInTree.add(key)
      this.#sinceCheckpoint.add(key)
    }
    this.#undo.clear()
  }

  /** Undoes what was changed since the last `keep`. */
  discard(): void {
    for (const [key, before] of this.#undo) this.#change(key, this.#cells.get(key), before)
    this.#undo.clear()
  }

  root(): Uint8Array {
    for (const key of this.#staleInTree) this.#tree.put(toBytes(key), this.#cells.get(key))
    this.#staleInTree.clear()
    return this.#tree.root()
  }

  /** Cells that changed since the last call, with their values now. */
  takeChanged(): [CellKey, Uint8Array | undefined][] {
    const changed = [...this.#sinceCheckpoint].map(key => [key, this.#cells.get(key)] as [CellKey, Uint8Array | undefined])
    this.#sinceCheckpoint.clear()
    return changed
  }

  /** Keys with gte ≤ key < lt, in order. */
  scan(gte: CellKey, lt: CellKey, limit: number, reverse: boolean): CellKey[] {
    this.#sorted ??= [...this.#cells.keys()].sort(byCode)
    const from = lowerBound(this.#sorted, gte)
    const to = lowerBound(this.#sorted, lt)
    if (!reverse) return this.#sorted.slice(from, Math.min(to, from + limit))
    return this.#sorted.slice(Math.max(from, to - limit), to).reverse()
  }

  /** Bytes held, roughly: for the cache. */
  get sizeBytes(): number {
    return this.#cells.size * 400 + this.#valueBytes
  }

  #change(key: CellKey, before: Uint8Array | undefined, value: Uint8Array | undefined): void {
    this.#valueBytes += (value?.length ?? 0) - (before?.length ?? 0)
    if (value === undefined) this.#cells.delete(key)
    else this.#cells.set(key, value)
    if ((before === undefined) !== (value === undefined)) this.#sorted = undefined
  }
}

/** The guest's own cells, under their prefix and within limits. */
export function guestCells(store: CellStore, prefix: string): Cells {
  const keyOf = (key: CellKey): CellKey => {
    if (key.length > CELL_KEY_MAX_BYTES) throw new GuestLimit('cell-limit', `cell key of ${key.length} bytes`)
    return prefix + key
  }
  return {
    get: key => store.get(keyOf(key)),
    set(key, value) {
      if (value.length > CELL_VALUE_MAX_BYTES) throw new GuestLimit('cell-limit', `cell value of ${value.length} bytes`)
      store.put(keyOf(key), value)
    },
    delete: key => store.put(keyOf(key), undefined),
    add(key, delta) {
      const cell = new Uint8Array(8)
      const view = new DataView(cell.buffer)
      view.setBigInt64(0, BigInt.asIntN(64, integerOf(store.get(keyOf(key))) + delta), true)
      store.put(keyOf(key), cell)
    },
    scan({ gte, lt, limit, reverse }) {
      const keys = store.scan(keyOf(gte), keyOf(lt), Math.min(limit, SCAN_MAX), reverse)
      return keys.map(key => key.slice(prefix.length))
    },
  }
}

function integerOf(cell: Uint8Array | undefined): bigint {
  if (cell === undefined) return 0n
  if (cell.length !== 8) throw new GuestLimit('cell-limit', 'add to a cell that is not a 64-bit integer')
  return new DataView(cell.buffer, cell.byteOffset, 8).getBigInt64(0, true)
}

/** The bytes that a cell key spells. */
export function toBytes(key: CellKey): Uint8Array {
  return Buffer.from(key, 'latin1')
}

/** The cell key that bytes spell. */
export function toCellKey(bytes: Uint8Array): CellKey {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

const byCode = (a: CellKey, b: CellKey): number => (a < b ? -1 : a > b ? 1 : 0)

function lowerBound(keys: readonly CellKey[], key: CellKey): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
