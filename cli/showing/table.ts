import { stripVTControlCharacters } from 'node:util'

/** One column: its heading, and whether it is set flush right, as numbers are. */
export interface Column {
  readonly title: string
  readonly right?: boolean
}

const GAP = '  '

/** Lays out rows under their headings, each column as wide as its widest cell. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, at) => Math.max(...all.map(row => widthOf(row[at] ?? ''))))
  return all
    .map(row =>
      columns
        .map((column, at) => pad(row[at] ?? '', widths[at] ?? 0, column))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n')
}

/** Columns that `text` takes on a screen; colours take none. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** Cuts `text` to `width` columns, with an ellipsis where something went. Text must carry no colours. */
export function cutTo(text: string, width: number): string {
  const letters = [...text]
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`
}

function pad(cell: string, width: number, { right = false }: Column): string {
  const fill = ' '.repeat(Math.max(0, width - widthOf(cell)))
  return right ? fill + cell : cell + fill
}
