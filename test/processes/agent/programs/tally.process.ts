import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

/** Counts; every minute it counts by itself, if it is told to. */
const Tally = contract({
  name: 'tally',
  version: '1.0.0',
  args: z.object({ start: z.number().int().default(0) }),
  state: z.object({ total: z.number().int() }),
  messages: {
    add: message({ input: z.object({ by: z.number().int() }), reply: z.number().int() }),
    everyMinute: message(),
    slowly: message({ reply: z.number().int() }),
  },
  queries: { total: query({ reply: z.number().int() }) },
})

export default Tally.implement({
  init: ({ args }) => ({ total: args.start }),
  on: {
    add: (ctx, { by }) => (ctx.state.total += by),
    everyMinute: ctx => ctx.schedule({ every: '1m', key: 'minute' }, 'add', { by: 1 }),
    async slowly(ctx) {
      await ctx.sleep('1h')
      return ctx.state.total
    },
  },
  query: { total: ({ state }) => state.total },
})
