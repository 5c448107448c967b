import { CELL_KEY_MAX_BYTES, CELL_VALUE_MAX_BYTES, type CellKey, type Cells, SCAN_MAX } from '../../protocol/index.ts'
import type { CellTable } from './cell-table.ts'
import { GuestLimit } from './guest-limit.ts'

const INTEGER_BYTES = 8
const integer = new DataView(new ArrayBuffer(INTEGER_BYTES))
const integerBytes = new Uint8Array(integer.buffer)

/** The program's cells, within limits: a limit that is passed is told to `broken` before it is thrown. */
export class ProgramCells implements Cells {
  readonly #cells: CellTable<Uint8Array>
  readonly #broken: (limit: GuestLimit) => void

  constructor(cells: CellTable<Uint8Array>, broken: (limit: GuestLimit) => void) {
    this.#cells = cells
    this.#broken = broken
  }

  get(key: CellKey): Uint8Array | undefined {
    return this.#cells.get(this.#checked(key))
  }

  set(key: CellKey, value: Uint8Array): void {
    this.#checked(key)
    if (value.length > CELL_VALUE_MAX_BYTES) this.#refuse(`cell value of ${value.length} bytes`)
    this.#cells.put(key, value)
  }

  delete(key: CellKey): void {
    this.#cells.put(this.#checked(key), undefined)
  }

  add(key: CellKey, delta: bigint): void {
    const before = this.#cells.get(this.#checked(key))
    if (before !== undefined && before.length !== INTEGER_BYTES) {
      this.#refuse('add to a cell that is not a 64-bit integer')
    }
    for (let at = 0; at < INTEGER_BYTES; at++) integerBytes[at] = before?.[at] ?? 0
    integer.setBigInt64(0, BigInt.asIntN(64, integer.getBigInt64(0, true) + delta), true)
    this.#cells.put(key, new Uint8Array(integerBytes))
  }

  scan({ gte, lt, limit, reverse }: Parameters<Cells['scan']>[0]): readonly CellKey[] {
    // Bounds need not be keys: the least that is above all keys is longer than any.
    return this.#cells.scan(gte, lt, Math.min(limit, SCAN_MAX), reverse)
  }

  #checked(key: CellKey): CellKey {
    if (key.length > CELL_KEY_MAX_BYTES) this.#refuse(`cell key of ${key.length} bytes`)
    return key
  }

  #refuse(message: string): never {
    const limit = new GuestLimit('cell-limit', message)
    this.#broken(limit)
    throw limit
  }
}
