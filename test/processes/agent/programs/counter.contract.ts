import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

export const Counter = contract({
  name: 'counter',
  version: '1.0.0',
  args: z.object({ start: z.number().int().default(0) }),
  state: z.object({ total: z.number().int(), notes: z.array(z.string()) }),
  messages: {
    add: message({ input: z.object({ by: z.number().int().min(1) }), reply: z.number().int() }),
    fail: message({ input: z.object({ why: z.string().default('no reason') }) }),
    failLater: message(),
    loop: message(),
    recurse: message({ reply: z.number() }),
    fill: message(),
    fillLong: message(),
    spin: message(),
    slowly: message({ input: z.object({ by: z.number().int() }), reply: z.number().int() }),
    reset: message({ allow: ['owner', 'self'] }),
  },
  queries: { total: query({ reply: z.number().int() }) },
  events: { changed: z.object({ total: z.number().int() }) },
})
