import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

const Stock = z.record(z.string(), z.int().min(0))

/** A stall: offers what it has, and delivers what the market has sold. */
export const Stall = contract({
  name: 'stall',
  version: '1.0.0',
  args: z.object({ market: z.string(), stock: Stock }),
  state: z.object({ market: z.string(), stock: Stock, purse: z.int() }),
  messages: {
    offer: message({ input: z.object({ good: z.string(), price: z.int().min(0) }), reply: z.int(), allow: ['owner'] }),
    deliver: message({ input: z.object({ good: z.string(), price: z.int(), buyer: z.string() }), reply: z.string() }),
  },
  queries: { purse: query({ reply: z.int() }) },
})
