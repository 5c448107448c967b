import { counted, type TraceNodeView, type TraceView } from '../../protocol/index.ts'
import { showDuration } from '../words/duration.ts'
import { safeLine, safeName } from './show-bytes.ts'
import { cutTo, widthOf } from './table.ts'
import type { Terminal } from '../terminal.ts'

/** Deeper levels stand under each other: a chain of a thousand messages would need a thousand columns. */
const INDENT_MAX_LEVELS = 10
/** Lines for people; programs get all. */
const ROWS_MAX = 100
const LABEL_COLUMNS_MIN = 24
const BAR_COLUMNS_MAX = 32
/** Slot, times and status beside the bar. */
const OTHER_COLUMNS = 34

interface Row {
  readonly node: TraceNodeView
  readonly prefix: string
  readonly depth: number
}

export interface TraceLook {
  /** What to call a process. */
  readonly nameOf: (process: string) => string
  readonly columns: number
  readonly paint: Terminal['paint']
}

/**
 * Draws a message tree: left who said what to whom, right when: a thin line until the message had its slot,
 * a bar until its result was there. Times are milliseconds since the first message had its slot.
 */
export function renderTrace(trace: TraceView, look: TraceLook): string {
  const rows = rowsOf(trace.root)
  const axis = axisOf(rows)
  const shown = rows.slice(0, ROWS_MAX)
  const labels = shown.map(
    ({ node, prefix }) => `${prefix}${safeName(node.label)} → ${safeName(look.nameOf(node.process))}`,
  )
  const longest = Math.max(...labels.map(widthOf), LABEL_COLUMNS_MIN)
  const barColumns = Math.max(0, Math.min(BAR_COLUMNS_MAX, look.columns - Math.min(longest, 48) - OTHER_COLUMNS))
  const labelColumns = Math.max(LABEL_COLUMNS_MIN, Math.min(longest, look.columns - barColumns - OTHER_COLUMNS))
  const lines = shown.map((row, at) => {
    const label = cutTo(labels[at] ?? '', labelColumns)
    return lineOf(row, label + ' '.repeat(labelColumns - widthOf(label)), axis, barColumns, look)
  })
  if (rows.length > shown.length)
    lines.push(`… ${(rows.length - shown.length).toLocaleString('en')} more; -o json shows all`)
  return [summaryOf(trace, rows, axis, look), ...lines].join('\n')
}

/** All nodes in the order of a reader, each with the lines that tie it to its parent. */
function rowsOf(root: TraceNodeView): Row[] {
  const rows: Row[] = []
  const waiting: (Row & { readonly indent: string })[] = [{ node: root, prefix: '', indent: '', depth: 0 }]
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row)
    const {
      node: { children },
      indent,
      depth,
    } = row
    for (let at = children.length - 1; at >= 0; at--) {
      const node = children[at]
      if (node === undefined) continue
      const isLast = at === children.length - 1
      const isDeep = depth >= INDENT_MAX_LEVELS
      const step = isLast ? '   ' : '│  '
      waiting.push({
        node,
        prefix: isDeep ? `${indent}${isLast ? '└╴' : '├╴'}` : `${indent}${isLast ? '└─ ' : '├─ '}`,
        indent: isDeep ? indent : indent + step,
        depth: depth + 1,
      })
    }
  }
  return rows
}

interface Axis {
  readonly startMs: number
  readonly lengthMs: number
}

function axisOf(rows: readonly Row[]): Axis {
  const times = rows.flatMap(({ node }) => [node.scheduledMs, node.evaluatedMs].filter(time => time !== undefined))
  let [startMs, endMs] = [times[0] ?? 0, times[0] ?? 0]
  for (const time of times) {
    startMs = Math.min(startMs, time)
    endMs = Math.max(endMs, time)
  }
  return { startMs, lengthMs: endMs - startMs }
}

function lineOf({ node }: Row, label: string, axis: Axis, barColumns: number, { paint }: TraceLook): string {
  const slot = node.slot === undefined ? '' : `#${node.slot}`
  const at = node.scheduledMs === undefined ? '' : `+${showDuration(node.scheduledMs - axis.startMs)}`
  const took =
    node.scheduledMs === undefined || node.evaluatedMs === undefined
      ? ''
      : showDuration(node.evaluatedMs - node.scheduledMs)
  const { before, during, after } = barOf(node, axis, barColumns)
  const bar = barColumns === 0 ? '' : `  ${paint('dim', before)}${paint(isBad(node) ? 'red' : 'green', during)}${after}`
  const status =
    node.status === 'ok'
      ? paint('green', '✔')
      : isBad(node)
        ? paint('red', `✖ ${node.status}`)
        : paint('yellow', node.status)
  const error =
    node.error === undefined ? '' : ` ${paint('red', safeLine(`${node.error.code}: ${node.error.message}`))}`
  const cut = node.cut === undefined ? '' : ` ${paint('yellow', `… and ${node.cut.toLocaleString('en')} more`)}`
  return `${label}  ${slot.padStart(5)}${bar}  ${at.padStart(8)}  ${took.padStart(7)}  ${status}${error}${cut}`.trimEnd()
}

interface Bar {
  readonly before: string
  readonly during: string
  readonly after: string
}

/** At least one mark, so that what was too quick to measure is seen too. */
function barOf({ scheduledMs, evaluatedMs }: TraceNodeView, { startMs, lengthMs }: Axis, columns: number): Bar {
  if (scheduledMs === undefined) return { before: '', during: '', after: ' '.repeat(columns) }
  const scale = lengthMs > 0 ? columns / lengthMs : 0
  const from = Math.max(0, Math.min(columns - 1, Math.floor((scheduledMs - startMs) * scale)))
  const to = Math.min(columns, Math.max(from + 1, Math.ceil(((evaluatedMs ?? scheduledMs) - startMs) * scale)))
  const mark = evaluatedMs === undefined ? '░' : '█'
  return {
    before: '┄'.repeat(from),
    during: mark.repeat(Math.max(0, to - from)),
    after: ' '.repeat(Math.max(0, columns - to)),
  }
}

function isBad({ status }: TraceNodeView): boolean {
  return status === 'error' || status === 'reject' || status === 'refused' || status === 'gap'
}

function summaryOf(trace: TraceView, rows: readonly Row[], axis: Axis, { paint }: TraceLook): string {
  const failed = rows.filter(({ node }) => isBad(node)).length
  const gas = rows.reduce((sum, { node }) => sum + (node.gas ?? 0n), 0n)
  const state = trace.settled ? `settled in ${showDuration(axis.lengthMs)}` : 'still under way'
  const mark = failed > 0 ? paint('red', '✖') : trace.settled ? paint('green', '✔') : paint('yellow', '…')
  const count = trace.truncated ? `more than ${counted(rows.length, 'message')}` : counted(rows.length, 'message')
  return `${mark} ${state} · ${count} · ${failed} failed · ${gas.toLocaleString('en')} gas`
}
