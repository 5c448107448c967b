/** The table as text for a terminal, and as the page that is kept. */
import type { Line } from './row.ts'

export interface Report {
  readonly machine: readonly (readonly [string, string])[]
  readonly command: string
  readonly rows: readonly RowReport[]
  readonly notes: readonly string[]
  readonly minutes: number
  readonly quick: boolean
}

export interface RowReport {
  readonly number: number
  readonly title: string
  readonly covers: string
  readonly lines: readonly Line[]
  readonly failure: string | undefined
}

const HEADS = ['', 'what', 'measured', 'other side', 'ratio', 'goal', 'met'] as const

function cellsOf({ what, measured, peer = '', ratio = '', goal = '', met }: Line): string[] {
  const verdict = met === undefined ? '' : met ? 'yes' : 'NO'
  return [what, measured, peer, ratio, goal, verdict]
}

function tableRows(rows: readonly RowReport[]): string[][] {
  return rows.flatMap(({ number, lines, failure }) => {
    const cells = lines.map(line => [String(number), ...cellsOf(line)])
    if (failure === undefined) return cells
    return [...cells, [String(number), 'FAILED', failure.replaceAll('\n', ' '), '', '', '', '']]
  })
}

/** Columns as wide as what stands in them. */
export function terminalTable(rows: readonly RowReport[]): string {
  const all = [[...HEADS], ...tableRows(rows)]
  const widths = HEADS.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const [head = [], ...body] = all
  return [line(head), widths.map(width => '─'.repeat(width)).join('  '), ...body.map(line)].join('\n')
}

const escapeBars = (text: string): string => text.replaceAll('|', '\\|')

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeBars).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

export function markdownPage(report: Report): string {
  const { machine, command, rows, notes, minutes, quick } = report
  const warning = quick ? '\n\n**A quick run: counts are too small for these figures to be quoted.**' : ''
  const parts = [
    '# Results of the benchmark',
    `Made by \`${command}\` in ${minutes.toFixed(0)} minutes. Every ratio is between figures of this ` +
      `same run; where a figure was taken several times, the median counts.${warning}`,
    markdownTable(['machine', ''], machine),
    markdownTable(HEADS, tableRows(rows)),
    '## What is measured, and what is not',
    rows.map(row => `${row.number}. **${row.title}.** ${row.covers}`).join('\n'),
    'Client, node and peers share one machine and its cores; nothing goes over a real network. ' +
      'Data lies in the system’s temporary folder. CPU time is user and system time of all threads, ' +
      'as the kernel counts it, to 10 ms.',
  ]
  if (notes.length > 0)
    parts.push('## Seen on the way', notes.map(note => `- ${note.replaceAll('\n', ' ')}`).join('\n'))
  return `${parts.join('\n\n')}\n`
}
