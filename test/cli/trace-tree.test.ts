import { describe, expect, test } from 'vitest'
import { widthOf } from '../../cli/showing/table.ts'
import { renderTrace } from '../../cli/showing/trace-tree.ts'
import { asMessageId, type TraceNodeView } from '../../protocol/index.ts'

const look = (columns = 100) => ({
  nameOf: (process: string) => process,
  columns,
  paint: (_: unknown, text: string) => text,
})

interface Wish {
  readonly label?: string
  readonly at?: number
  readonly took?: number
  readonly status?: TraceNodeView['status']
  readonly children?: readonly TraceNodeView[]
}

function node({ label = 'Ping', at, took = 5, status = 'ok', children = [] }: Wish): TraceNodeView {
  const times = at === undefined ? {} : { scheduledMs: 1000 + at, evaluatedMs: 1000 + at + took, slot: at, gas: 10n }
  const error = status === 'error' ? { error: { code: 'abort', message: 'card\u001b[31m declined' } } : {}
  return { id: asMessageId('x'), process: 'p', status, label, kind: 'message', ...times, ...error, children }
}

const render = (root: TraceNodeView, columns?: number): string[] =>
  renderTrace({ root, settled: true, truncated: false }, look(columns)).split('\n')

describe('a drawn trace', () => {
  test('ties every message to what caused it', () => {
    const root = node({
      label: 'checkout',
      at: 0,
      children: [
        node({ label: 'reserve', at: 10, children: [node({ label: 'hold', at: 20 })] }),
        node({ label: 'pay', at: 30 }),
      ],
    })
    const labels = render(root)
      .slice(1)
      .map(line => line.replace(/ →.*/, ''))
    expect(labels).toEqual(['checkout', '├─ reserve', '│  └─ hold', '└─ pay'])
  })

  test('says how long all took, and how many failed', () => {
    const root = node({ at: 0, children: [node({ at: 10, status: 'error' })] })
    const [summary, , child] = render(root)
    expect(summary).toBe('✖ settled in 15 ms · 2 messages · 1 failed · 20 gas')
    expect(child).toContain('✖ error abort: card declined')
  })

  test('draws bars in order of time, one mark at least', () => {
    const root = node({ at: 0, took: 10, children: [node({ at: 90, took: 10 }), node({ at: 50, took: 0 })] })
    const bars = render(root)
      .slice(1)
      .map(line => ({ from: line.indexOf('█'), to: line.lastIndexOf('█') }))
    const [first, second, third] = bars
    expect(first?.from).toBeGreaterThan(0)
    expect(second?.from).toBeGreaterThan(third?.to ?? 0)
    expect(third?.from).toBeGreaterThan(first?.to ?? 0)
    expect(third?.from).toBe(third?.to)
  })

  test('shows what has no slot yet without times', () => {
    const [, , child] = render(node({ at: 0, children: [node({ label: 'later', status: 'pending' })] }))
    expect(child).toContain('pending')
    expect(child).not.toContain('█')
  })

  test('stays within the screen, however deep it is', () => {
    let root = node({ label: 'end', at: 1024 })
    for (let at = 1023; at >= 0; at--) root = node({ at, children: [root] })
    const lines = render(root, 80)
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(80)
    expect(lines).toHaveLength(102)
    expect(lines.at(-1)).toBe('… 925 more; -o json shows all')
  })
})
