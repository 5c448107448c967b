import { Market } from './market.contract.ts'
import { Stall } from './stall.contract.ts'

export default Stall.implement({
  init: ({ args }) => ({ ...args, purse: 0 }),
  on: {
    offer: (ctx, { good, price }) => ctx.ref(Market, ctx.state.market).offer({ good, price }),
    deliver(ctx, { good, price, buyer }) {
      const { stock, market } = ctx.state
      if (ctx.from !== market) throw new Error('only the market sells for us')
      const left = stock[good] ?? 0
      if (left === 0) throw new Error(`no ${good} left`)
      stock[good] = left - 1
      ctx.state.purse += price
      return `${good} for ${buyer}`
    },
  },
  query: { purse: ({ state }) => state.purse },
})
