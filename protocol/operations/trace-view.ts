import { z } from 'zod'
import { MessageId, Slot } from '../ids.ts'
import { RESULT_STATUSES } from '../results/result.ts'
import { BigText, named, schemaNotes, type ValueOf } from '../codec/wire.ts'

/**
 * A message tree as it travels. A tree can be a thousand messages deep, and a recursive schema would need a
 * stack for that; so nodes are read one by one, each with a schema that knows nothing of its children.
 */

export const ResultErrorView = z.object({ code: z.string(), message: z.string() })

const Fields = {
  id: MessageId,
  /** The process, or whoever else a message goes to. */
  process: z.string(),
  slot: Slot.optional(),
  status: z.enum(['pending', 'scheduled', 'external', ...RESULT_STATUSES]),
  label: z.string(),
  kind: z.enum(['message', 'spawn', 'tick', 'assigned']),
  scheduledMs: z.number().optional(),
  evaluatedMs: z.number().optional(),
  gas: BigText.optional(),
  error: ResultErrorView.optional(),
  /** How many more it caused that are not followed. */
  cut: z.int().nonnegative().optional(),
}

const TraceFields = z.object(Fields)

/** A message of a tree, and what it caused. */
export type TraceNodeView = ValueOf<typeof TraceFields> & {
  readonly children: readonly TraceNodeView[]
}

/** The recursive schema, for readers of the API description only. */
const TraceNode: z.ZodType = named(
  'TraceNode',
  'A message of a tree, and what it caused.',
  z.object({
    ...Fields,
    get children() {
      return z.array(TraceNode)
    },
  }),
)

/** Schemas that the description names and no operation leads to. */
export const SCHEMAS_BY_NAME_ONLY: readonly z.ZodType[] = [TraceNode]

const Tree = z.codec(z.unknown(), z.custom<TraceNodeView>(), {
  decode(root, context) {
    const decoded: TraceNodeView[] = []
    const waiting: { from: unknown; into: TraceNodeView[]; at: number }[] = [{ from: root, into: decoded, at: 0 }]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const fields = TraceFields.safeDecode(next.from as z.input<typeof TraceFields>)
      const children = (next.from as { readonly children?: unknown } | null)?.children
      if (!fields.success || !Array.isArray(children)) {
        context.issues.push({ code: 'custom', input: root, message: 'expected a tree of messages' })
        return z.NEVER
      }
      const into = new Array<TraceNodeView>(children.length)
      next.into[next.at] = { ...fields.data, children: into }
      for (const [at, from] of children.entries()) waiting.push({ from, into, at })
    }
    return decoded[0] ?? z.NEVER
  },
  encode: tree => tree,
})
schemaNotes.add(Tree, { shown: { $ref: '#/$defs/TraceNode' } })

export const TraceView = named(
  'Trace',
  'One message and all that it caused.',
  z.object({
    root: Tree,
    settled: z.boolean(),
    truncated: z.boolean(),
  }),
)
export type TraceView = ValueOf<typeof TraceView>
