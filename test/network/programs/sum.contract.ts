import { z } from 'zod'
import { contract, message, query } from '../../../contract/index.ts'

/** Adds to other counters, and asks itself for nothing. */
export const Sum = contract({
  name: 'sum',
  version: '1.0.0',
  args: z.object({ shards: z.array(z.string()) }),
  state: z.object({ shards: z.array(z.string()), calls: z.int() }),
  messages: {
    fanOut: message({ input: z.object({ by: z.int() }), reply: z.int(), doc: 'Adds to each, and gives the sum' }),
  },
  queries: { calls: query({ reply: z.int() }) },
  events: { done: z.object({ sum: z.int() }) },
})
