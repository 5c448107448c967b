import type { CellKey } from '../../protocol/index.ts'

/** How the cells of a table are spelled in the state: their keys begin with the table's own letter. */
export interface Spelling<Value> {
  readonly letter: string
  /** The whole key, with the letter. */
  keyOf(name: string): CellKey
  nameOf(key: CellKey): string
  encode(value: Value): Uint8Array
  decode(bytes: Uint8Array): Value
  /** Bytes that a value holds outside of its table. */
  bytesBeside(value: Value): number
}

/** Notes what a cell was before it changed. */
export type Undo = (table: CellTable<unknown>, name: string, before: unknown) => void

/**
 * Cells of one sort by name, in the form in which they are used: they are spelled only when they are hashed or written.
 * A process may have none of a sort, and there are many processes: what is empty takes no room.
 */
export class CellTable<Value> {
  readonly spelling: Spelling<Value>
  readonly #undo: Undo
  #cells: Map<string, Value> | undefined
  /** Names of cells whose place in the hash tree is not that of their value. */
  #stale: Set<string> | undefined
  #sorted: string[] | undefined
  #valueBytes = 0

  constructor(spelling: Spelling<Value>, undo: Undo) {
    this.spelling = spelling
    this.#undo = undo
  }

  get size(): number {
    return this.#cells?.size ?? 0
  }

  /** Bytes that the values hold. */
  get valueBytes(): number {
    return this.#valueBytes
  }

  get(name: string): Value | undefined {
    return this.#cells?.get(name)
  }

  /** Sets a cell; takes it away if there is no value. */
  put(name: string, value: Value | undefined): void {
    const before = this.#cells?.get(name)
    if (value === undefined && before === undefined) return
    this.#undo(this as CellTable<unknown>, name, before)
    this.#change(name, before, value)
  }

  /** Sets a cell, and no way back. */
  restore(name: string, value: Value | undefined): void {
    this.#change(name, this.#cells?.get(name), value)
  }

  #change(name: string, before: Value | undefined, value: Value | undefined): void {
    const { bytesBeside } = this.spelling
    this.#cells ??= new Map()
    if (before !== undefined) this.#valueBytes -= bytesBeside(before)
    if (value === undefined) this.#cells.delete(name)
    else {
      this.#cells.set(name, value)
      this.#valueBytes += bytesBeside(value)
    }
    if ((before === undefined) !== (value === undefined)) this.#sorted = undefined
  }

  /** A change of the cell stays. */
  keep(name: string): void {
    this.#stale ??= new Set()
    this.#stale.add(name)
  }

  /** Keys of cells that were kept changes of since the last call, and what they are now. */
  takeStale(): [CellKey, Uint8Array | undefined][] {
    if (this.#stale === undefined) return []
    const taken = [...this.#stale].map(name => this.spelled(name))
    this.#stale = undefined
    return taken
  }

  /** A cell as it stands in the state. */
  spelled(name: string): [CellKey, Uint8Array | undefined] {
    const { keyOf, encode } = this.spelling
    const value = this.#cells?.get(name)
    return [keyOf(name), value === undefined ? undefined : encode(value)]
  }

  /** Names with gte ≤ name < lt, in order. */
  scan(gte: string, lt: string, limit: number, reverse: boolean): string[] {
    this.#sorted ??= [...(this.#cells?.keys() ?? [])].sort(byCode)
    const from = lowerBound(this.#sorted, gte)
    const to = lowerBound(this.#sorted, lt)
    if (!reverse) return this.#sorted.slice(from, Math.min(to, from + limit))
    return this.#sorted.slice(Math.max(from, to - limit), to).reverse()
  }
}

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function lowerBound(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}
