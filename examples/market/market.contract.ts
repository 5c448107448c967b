import { contract, message } from 'atoll/contract'
import { z } from 'zod'

/** What a stall knows of the market; that it is a canister makes no difference. */
export const Market = contract({
  name: 'market',
  version: '1.0.0',
  messages: {
    offer: message({ input: z.object({ good: z.string(), price: z.int().min(0) }), reply: z.int() }),
  },
})
