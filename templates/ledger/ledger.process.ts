import { Ledger } from './ledger.contract.ts'

/** A failure that callers can tell apart by its code. */
class Refused extends Error {
  readonly code: string
  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}

export default Ledger.implement({
  init: ({ args, owner }) => ({ ticker: args.ticker, supply: args.supply, balances: { [owner]: args.supply } }),
  on: {
    transfer(ctx, { to, amount }) {
      const { balances } = ctx.state
      const balance = balances[ctx.from] ?? 0
      if (balance < amount)
        throw new Refused('insufficient-balance', `${balance} ${ctx.state.ticker} are less than ${amount}`)
      balances[ctx.from] = balance - amount
      balances[to] = (balances[to] ?? 0) + amount
      ctx.emit('moved', { from: ctx.from, to, amount })
      return { balance: balances[ctx.from] ?? 0 }
    },
    mint(ctx, { to, amount }) {
      ctx.state.balances[to] = (ctx.state.balances[to] ?? 0) + amount
      ctx.state.supply += amount
      ctx.emit('moved', { from: ctx.self, to, amount })
    },
  },
  query: {
    balance: ({ state }, { of }) => state.balances[of] ?? 0,
    info: ({ state: { ticker, supply, balances } }) => ({
      ticker,
      supply,
      holders: Object.values(balances).filter(b => b > 0).length,
    }),
  },
})
