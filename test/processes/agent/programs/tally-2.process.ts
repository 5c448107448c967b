import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

/** The same, with the count under another name, and who counted last. */
const Tally = contract({
  name: 'tally',
  version: '2.0.0',
  args: z.object({}),
  state: z.object({ count: z.number().int(), last: z.string() }),
  messages: {
    add: message({ input: z.object({ by: z.number().int() }), reply: z.number().int() }),
  },
  queries: { total: query({ reply: z.number().int() }) },
})

export default Tally.implement({
  init: () => ({ count: 0, last: 'nobody' }),
  on: {
    add(ctx, { by }) {
      ctx.state.count += by
      ctx.state.last = ctx.from
      return ctx.state.count
    },
  },
  query: { total: ({ state }) => state.count },
  migrate: {
    '1.0.0': old => ({ count: Number((old as { total: number }).total), last: 'migrated' }),
  },
})
