import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

/** Lets those who knock wait until somebody opens. */
export const Gate = contract({
  name: 'gate',
  version: '1.0.0',
  state: z.object({ knocks: z.number().int(), entered: z.number().int() }),
  messages: {
    enter: message({ input: z.object({ who: z.number().int() }), reply: z.number().int() }),
    open: message({ input: z.object({ count: z.number().int() }), reply: z.number().int() }),
  },
  queries: { knocks: query({ reply: z.number().int() }) },
})

/** Knocks at a gate, once for each message. */
export const Crowd = contract({
  name: 'crowd',
  version: '1.0.0',
  state: z.object({ waiting: z.number().int(), inside: z.array(z.number().int()) }),
  messages: {
    knock: message({
      input: z.object({ gate: z.string(), who: z.number().int() }),
      reply: z.number().int(),
    }),
  },
  queries: {
    inside: query({ reply: z.array(z.number().int()) }),
    waiting: query({ reply: z.number().int() }),
  },
})
