import type { CellKey, Cells } from '../../protocol/index.ts'
import { keysUnder, numbered } from './cell-keys.ts'
import { PIECE_BYTES } from './bounds.ts'

/**
 * Bytes in cells of one size under a prefix, read and written anywhere: a piece that is not there is zero, and so is what a short one
 * lacks. Pieces that are all zero have no cell.
 */
export function readSparse(cells: Cells, prefix: CellKey, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const { key, from, count } = placeOf(prefix, offset + at, length - at)
    const piece = cells.get(key)
    if (piece !== undefined) bytes.set(piece.subarray(from, from + count), at)
    at += count
  }
  return bytes
}

export function writeSparse(cells: Cells, prefix: CellKey, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const { key, from, count } = placeOf(prefix, offset + at, bytes.length - at)
    const piece = new Uint8Array(PIECE_BYTES)
    piece.set(cells.get(key) ?? NO_BYTES)
    piece.set(bytes.subarray(at, at + count), from)
    if (piece.some(byte => byte !== 0)) cells.set(key, piece)
    else cells.delete(key)
    at += count
  }
}

/** The pieces that are not zero, by number; those behind `after` alone. */
export function* sparsePieces(
  cells: Cells,
  prefix: CellKey,
  after?: number,
): Generator<readonly [number: number, piece: Uint8Array]> {
  const first = after === undefined ? undefined : numbered(prefix, after)
  for (let keys = keysUnder(cells, prefix, first); keys.length > 0; keys = keysUnder(cells, prefix, keys.at(-1))) {
    for (const key of keys) yield [Number(key.slice(prefix.length)), cells.get(key) ?? NO_BYTES]
  }
}

const NO_BYTES = new Uint8Array(0)

function placeOf(
  prefix: CellKey,
  at: number,
  left: number,
): { readonly key: CellKey; readonly from: number; readonly count: number } {
  const from = at % PIECE_BYTES
  return { key: numbered(prefix, (at - from) / PIECE_BYTES), from, count: Math.min(left, PIECE_BYTES - from) }
}
