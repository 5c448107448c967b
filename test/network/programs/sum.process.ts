import { Counter } from '../../processes/agent/programs/counter.contract.ts'
import { Sum } from './sum.contract.ts'

export default Sum.implement({
  init: ({ args }) => ({ shards: args.shards, calls: 0 }),
  on: {
    async fanOut(ctx, { by }) {
      ctx.state.calls += 1
      const totals = await Promise.all(ctx.state.shards.map(id => ctx.ref(Counter, id).add({ by })))
      const sum = totals.reduce((a, b) => a + b, 0)
      ctx.emit('done', { sum })
      return sum
    },
  },
  query: { calls: ({ state }) => state.calls },
})
