import { type Operations, WAIT_DEFAULT_MS } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { untilKnown } from './until-known.ts'

/** A message and all that it caused. */
export function traceOperations(parts: OperationParts): Pick<Operations, 'trace' | 'followTrace'> {
  const { messenger, clock } = parts
  return {
    async trace({ message, settled = false, process, wait_ms = WAIT_DEFAULT_MS }, { signal }) {
      return untilKnown(clock, { signal, timeoutMs: wait_ms }, left =>
        messenger.trace(message, { ...left, settled, ...(process && { process }) }),
      )
    },
    async *followTrace({ message, process }, { signal }) {
      for (let shown = -1; ; ) {
        const tree = await messenger.trace(message, { signal, ...(process && { process }) })
        const growth = growthOf(tree.root)
        if (growth !== shown || tree.settled) yield tree
        if (tree.settled || tree.truncated) return
        shown = growth
        await clock.sleep(LOOK_EVERY_MS, { signal, for: 'wait' })
      }
    },
  }
}

/** Ten looks a second are as many as a reader can follow. */
const LOOK_EVERY_MS = 100

interface Growing {
  readonly slot: number | undefined
  readonly evaluatedMs: number | undefined
  readonly status: string
  readonly children: readonly Growing[]
}

/** Only grows while the tree does: its messages, those of them with a slot, and those with a result. */
function growthOf(node: Growing): number {
  let growth = 1
  if (node.slot !== undefined) growth += 1
  if (node.status !== 'pending' && node.status !== 'scheduled') growth += 1
  for (const child of node.children) growth += growthOf(child)
  return growth
}
