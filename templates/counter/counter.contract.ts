import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

/** What a counter promises. Browsers and other processes import this file; the code is in counter.process.ts. */
export const Counter = contract({
  name: 'counter',
  version: '1.0.0',
  args: z.object({ start: z.int().default(0) }),
  state: z.object({ total: z.int() }),
  messages: {
    add: message({ input: z.object({ by: z.int().min(1).default(1) }), reply: z.int(), doc: 'Add to the total' }),
    reset: message({ allow: ['owner', 'self'], doc: 'Start again from nothing' }),
  },
  queries: { total: query({ reply: z.int(), doc: 'The total now' }) },
  events: { changed: z.object({ total: z.int() }) },
})
