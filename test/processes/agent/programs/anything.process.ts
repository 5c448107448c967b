import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

/** Does whatever it is told, as careless and hostile authors would. */
export const Anything = contract({
  name: 'anything',
  version: '1.0.0',
  state: z.object({ any: z.any() }),
  messages: {
    run: message({ input: z.object({ code: z.string() }), reply: z.any() }),
    /** The same, beside others. */
    beside: message({ input: z.object({ code: z.string() }), reply: z.any() }),
    well: message({ reply: z.string() }),
  },
  queries: { log: query({ reply: z.any() }) },
  events: { any: z.any() },
})

const does = (code: string, ctx: unknown): unknown => new Function('ctx', 'Anything', code)(ctx, Anything)

export default Anything.implement({
  reentrant: ['beside'],
  init: () => ({ any: null }),
  on: {
    run: (ctx, { code }) => does(code, ctx),
    beside: (ctx, { code }) => does(code, ctx),
    well: () => 'well',
  },
  query: { log: ({ state }) => state.any },
})
