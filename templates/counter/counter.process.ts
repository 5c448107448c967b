import { Counter } from './counter.contract.ts'

export default Counter.implement({
  init: ({ args }) => ({ total: args.start }),
  on: {
    add(ctx, { by }) {
      ctx.state.total += by // undone if anything below throws
      ctx.emit('changed', { total: ctx.state.total })
      ctx.schedule({ in: '1h', key: 'idle' }, 'reset') // the same key replaces: it never doubles
      return ctx.state.total
    },
    reset(ctx) {
      ctx.state.total = 0
      ctx.emit('changed', { total: 0 })
    },
  },
  query: { total: ({ state }) => state.total },
})
