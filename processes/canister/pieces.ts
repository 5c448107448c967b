import type { CellKey, Cells } from '../../protocol/index.ts'
import { PIECE_BYTES } from './bounds.ts'
import { numbered } from './records.ts'

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
  for (;;) {
    const keys = keysUnder(cells, prefix)
    for (const key of keys) cells.delete(key)
    if (keys.length < SCAN_PAGE) return
  }
}

const SCAN_PAGE = 1024

/** All keys under a prefix; whether those that are put meanwhile are among them is left open. */
export function* everyKeyUnder(cells: Cells, prefix: CellKey): Generator<CellKey> {
  for (let after: CellKey | undefined; ; ) {
    const keys = keysUnder(cells, prefix, after)
    yield* keys
    after = keys.at(-1)
    if (keys.length < SCAN_PAGE) return
  }
}

/** The first thousand keys under a prefix. */
export function keysUnder(cells: Cells, prefix: CellKey, after?: CellKey): readonly CellKey[] {
  const gte = after === undefined ? prefix : `${after}\0`
  return cells.scan({ gte, lt: `${prefix}\xff`, limit: SCAN_PAGE, reverse: false })
}
