import type { TraceNodeView } from '../protocol/index.ts'

/** A tree in which messages to other processes only show that they are there, and what became of them. */
export function shownTrace(root: TraceNodeView, readable: ReadonlySet<string>): TraceNodeView {
  const top: TraceNodeView[] = []
  const waiting = [{ from: root, into: top }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { error: _, gas: __, ...bare } = next.from
    const children: TraceNodeView[] = []
    next.into.unshift(readable.has(bare.process) ? { ...next.from, children } : { ...bare, label: '', children })
    for (const from of next.from.children) waiting.push({ from, into: children })
  }
  return top[0] ?? root
}
