import { z } from 'zod'
import { contract, message } from '../../../../contract/index.ts'

/** Its migration gives what its own state may not be. */
const Tally = contract({
  name: 'tally',
  version: '3.0.0',
  args: z.object({}),
  state: z.object({ count: z.number().int().max(10) }),
  messages: {
    add: message({ input: z.object({ by: z.number().int() }), reply: z.number().int() }),
  },
})

export default Tally.implement({
  init: () => ({ count: 0 }),
  on: { add: (ctx, { by }) => (ctx.state.count += by) },
  migrate: { '*': old => ({ count: Number((old as { total: number }).total) }) },
})
