import type { TraceNodeView, TraceView } from '../protocol/index.ts'

/** Messages of one tree that are shown. */
const ROWS_MAX = 60

/** A message tree for people: who was told what, when, and what came of it. */
export function showTrace({ root, settled, truncated }: TraceView, nameOf: (process: string) => string): string {
  const rows: string[] = []
  const startMs = root.scheduledMs ?? 0
  const walk = (node: TraceNodeView, lead: string, indent: string): void => {
    if (rows.length >= ROWS_MAX) return
    rows.push(lead + lineOf(node, startMs, nameOf))
    for (const [i, child] of node.children.entries()) {
      const isLast = i === node.children.length - 1
      walk(child, `${indent}${isLast ? '└─ ' : '├─ '}`, `${indent}${isLast ? '   ' : '│  '}`)
    }
  }
  walk(root, '', '')
  const count = countOf(root)
  if (count > rows.length) rows.push(`… ${count - rows.length} more`)
  if (truncated) rows.push('(cut: the tree is larger)')
  if (!settled) rows.push('(not settled: something of it is under way)')
  return rows.join('\n')
}

function lineOf(node: TraceNodeView, startMs: number, nameOf: (process: string) => string): string {
  const place = node.slot === undefined ? '' : `#${node.slot}`
  const at = node.scheduledMs === undefined ? '' : ` +${node.scheduledMs - startMs} ms`
  const status = node.status === 'ok' ? '' : ` ${node.status}`
  const error = node.error === undefined ? '' : ` (${node.error.code}: ${node.error.message})`
  return `${node.label} → ${nameOf(node.process)}${place}${at}${status}${error}`
}

const countOf = ({ children }: TraceNodeView): number => children.reduce((sum, child) => sum + countOf(child), 1)
