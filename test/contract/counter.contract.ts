import { z } from 'zod'
import { contract, message, query } from '../../contract/index.ts'

export const Counter = contract({
  name: 'counter',
  version: '1.0.0',
  args: z.object({ start: z.number().int().default(0) }),
  state: z.object({ total: z.number().int() }),
  messages: {
    add: message({
      input: z.object({ by: z.number().int().min(1) }),
      reply: z.number().int(),
      doc: 'Adds to the total',
    }),
    reset: message({ allow: ['owner', 'self'] }),
  },
  queries: {
    total: query({ reply: z.number().int() }),
    above: query({ input: z.object({ limit: z.number() }), reply: z.boolean() }),
  },
  events: { changed: z.object({ total: z.number().int() }) },
})
