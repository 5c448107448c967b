import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

const Address = z
  .string()
  .regex(/^[\w-]{43}$/, 'expected an address or the id of a process')
  .meta({ examples: ['address-of-whoever-gets-it----43-characters'] })
const Amount = z.int().min(1)

/** What a ledger promises: balances that only their owners can spend. */
export const Ledger = contract({
  name: 'ledger',
  version: '1.0.0',
  args: z.object({ ticker: z.string().min(1).max(12), supply: Amount }),
  state: z.object({ ticker: z.string(), supply: z.int(), balances: z.record(z.string(), z.int().min(0)) }),
  messages: {
    transfer: message({
      input: z.object({ to: Address, amount: Amount }),
      reply: z.object({ balance: z.int() }),
      doc: 'Give from your own balance',
    }),
    mint: message({ input: z.object({ to: Address, amount: Amount }), allow: ['owner'], doc: 'Make new units' }),
  },
  queries: {
    balance: query({ input: z.object({ of: Address }), reply: z.int() }),
    info: query({ reply: z.object({ ticker: z.string(), supply: z.int(), holders: z.int() }) }),
  },
  events: { moved: z.object({ from: z.string(), to: z.string(), amount: z.int() }) },
})
