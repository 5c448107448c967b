import type { CellKey, Cells } from '../../protocol/index.ts'

const SCAN_PAGE = 1024

/** Numbers as keys, so that their order is that of the keys. */
export function numbered(prefix: string, number: number): CellKey {
  return prefix + String(number).padStart(16, '0')
}

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
