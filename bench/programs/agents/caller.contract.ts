import { z } from 'zod'
import { contract, message } from '../../../contract/index.ts'

/** Calls another of its kind, again and again, each time waiting for the answer. */
export const Caller = contract({
  name: 'caller',
  version: '1.0.0',
  state: z.object({ answered: z.number().int() }),
  messages: {
    ask: message({ input: z.object({ left: z.number().int() }), reply: z.number().int() }),
    askAgain: message({
      input: z.object({ other: z.string(), times: z.number().int() }),
      reply: z.number().int(),
    }),
  },
})
