import { expect, test } from 'vitest'
import { traceElsewhere } from '../../messenger-unit/trace.ts'
import { asMessageId, asProcessId, type KeyId, type Trace, type TraceNode } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'

const [process, id] = [asProcessId(fakeId(1)), asMessageId(fakeId(2))]
const node = (children: readonly TraceNode[]): TraceNode => ({
  id,
  process,
  slot: 1,
  status: 'ok',
  label: 'x',
  kind: 'message',
  scheduledMs: undefined,
  evaluatedMs: undefined,
  gas: undefined,
  error: undefined,
  children,
})
const traceOf = (root: TraceNode): Trace => ({ root, settled: true, truncated: false })
const chain = (levels: number): TraceNode => {
  let root = node([])
  for (let level = 1; level < levels; level++) root = node([root])
  return root
}

const routes = { fromOne: <T>(_: string, ask: (scheduler: KeyId) => Promise<T>) => ask(keyOf(1)) }
const asked = (root: TraceNode) =>
  traceElsewhere({ routes, peers: { trace: async () => traceOf(root) } }, process, id, { nodes: 50, levels: 10 })

test('a node that gives a larger tree than it was asked for is not believed, however deep the tree is', async () => {
  for (const root of [chain(11), chain(100_000), node(Array.from({ length: 50 }, () => node([])))]) {
    await expect(asked(root)).rejects.toMatchObject({ code: 'unreachable' })
  }
  for (const root of [chain(10), node(Array.from({ length: 49 }, () => node([])))])
    expect((await asked(root))?.root).toBe(root)
})
