import { CborReader, CborWriter, type CellKey, type Cells } from '../../protocol/index.ts'
import { numbered } from './cell-keys.ts'
import { getPieces, putPieces, removePieces } from './pieces.ts'

/** What one slot may give out. */
export interface SlotBounds {
  readonly count: number
  readonly bytes: number
}

/** How a thing that waits is kept. */
export interface Form<T> {
  sizeOf(item: T): number
  encode(item: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/**
 * Things that leave a canister in order, as many in a slot as a slot may hold; the others wait in cells for the next. An answer is never
 * lost because many came at once.
 */
export class Backlog<T> {
  readonly #name: CellKey
  readonly #bounds: SlotBounds
  readonly #form: Form<T>

  /** `name` is the key of its cell, and begins those of what waits. */
  constructor(name: CellKey, bounds: SlotBounds, form: Form<T>) {
    this.#name = name
    this.#bounds = bounds
    this.#form = form
  }

  /** Gives what goes now, of what waited and `more`, and keeps the rest. */
  take(cells: Cells, more: readonly T[]): readonly T[] {
    if (!this.waits(cells) && this.#fits(more)) return more
    this.add(cells, more)
    const { from, end } = this.#span(cells)
    const taken: T[] = []
    let bytes = 0
    let next = from
    for (; next < end && taken.length < this.#bounds.count; next++) {
      const item = this.#get(cells, next)
      bytes += this.#form.sizeOf(item)
      if (bytes > this.#bounds.bytes && taken.length > 0) break
      taken.push(item)
      cells.delete(this.#key(next))
      removePieces(cells, this.#pieces(next))
    }
    this.#setHead(cells, next, end)
    return taken
  }

  /** Puts `more` behind what waits. */
  add(cells: Cells, more: readonly T[]): void {
    if (more.length === 0) return
    const { from, end } = this.#span(cells)
    for (const [index, item] of more.entries()) this.#put(cells, end + index, item)
    this.#setHead(cells, from, end + more.length)
  }

  /** Whether something waits. */
  waits(cells: Cells): boolean {
    return cells.get(this.#name) !== undefined
  }

  #fits(items: readonly T[]): boolean {
    if (items.length > this.#bounds.count) return false
    return items.length < 2 || items.reduce((sum, item) => sum + this.#form.sizeOf(item), 0) <= this.#bounds.bytes
  }

  /** The numbers of what waits. */
  #span(cells: Cells): { readonly from: number; readonly end: number } {
    const head = cells.get(this.#name)
    if (head === undefined) return { from: 0, end: 0 }
    const reader = new CborReader(head)
    reader.array()
    return { from: Number(reader.uint()), end: Number(reader.uint()) }
  }

  #setHead(cells: Cells, next: number, end: number): void {
    if (next === end) {
      cells.delete(this.#name)
      return
    }
    const writer = new CborWriter()
    writer.array(2)
    writer.uint(next)
    writer.uint(end)
    cells.set(this.#name, writer.finish())
  }

  #key(number: number): CellKey {
    return numbered(`${this.#name}/`, number)
  }

  #pieces(number: number): CellKey {
    return `${this.#key(number)}/`
  }

  #put(cells: Cells, number: number, item: T): void {
    const bytes = this.#form.encode(item)
    const writer = new CborWriter()
    writer.uint(bytes.length)
    cells.set(this.#key(number), writer.finish())
    putPieces(cells, this.#pieces(number), bytes)
  }

  #get(cells: Cells, number: number): T {
    const head = cells.get(this.#key(number))
    if (head === undefined) throw new Error(`expected ${this.#key(number)}`)
    return this.#form.decode(getPieces(cells, this.#pieces(number), Number(new CborReader(head).uint())))
  }
}
