import { expect, test } from 'vitest'
import { shownTrace } from '../../mcp/shown-trace.ts'
import { asMessageId, type TraceNodeView } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

let count = 0
const node = (process: string, ...children: TraceNodeView[]): TraceNodeView => ({
  id: asMessageId(fakeId(++count)),
  process,
  status: 'error',
  label: 'pay',
  kind: 'message',
  gas: 7n,
  error: { code: 'poor', message: 'she has nothing' },
  children,
})

test('a trace shows of other processes that there were messages, and how they ended, and no words of theirs', () => {
  const own = node('own')
  const other = node('other', own, node('own'))
  const root = node('own', node('own'), other)
  const shown = shownTrace(root, new Set(['own']))
  const { gas: _, error: __, ...bare } = other
  expect(shown).toEqual({ ...root, children: [root.children[0], { ...bare, label: '' }] })
})
