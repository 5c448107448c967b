import type { CellKey, Cells } from '../../protocol/index.ts'
import { PIECE_BYTES } from './bounds.ts'
import { everyKeyUnder, numbered } from './cell-keys.ts'

/** Bytes of any length in cells of one size, under a prefix. */
export function putPieces(cells: Cells, prefix: CellKey, bytes: Uint8Array): void {
  removePieces(cells, prefix)
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    cells.set(numbered(prefix, at / PIECE_BYTES), bytes.slice(at, at + PIECE_BYTES))
  }
}

export function getPieces(cells: Cells, prefix: CellKey, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const piece = cells.get(numbered(prefix, at / PIECE_BYTES))
    if (piece === undefined) throw new Error(`expected a cell of ${prefix}`)
    bytes.set(piece, at)
  }
  return bytes
}

/** Removes all cells under a prefix. */
export function removePieces(cells: Cells, prefix: CellKey): void {
  for (const key of everyKeyUnder(cells, prefix)) cells.delete(key)
}
