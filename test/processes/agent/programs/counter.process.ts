import { Counter } from './counter.contract.ts'

function refuse(why: string): never {
  throw Object.assign(new Error(`refused: ${why}`), { code: 'refused' })
}

export default Counter.implement({
  init: ({ args }) => ({ total: args.start, notes: [] }),
  on: {
    add(ctx, { by }) {
      ctx.state.total += by
      ctx.state.notes.push(`added ${by}`)
      ctx.emit('changed', { total: ctx.state.total })
      return ctx.state.total
    },
    fail(ctx, { why }) {
      ctx.state.total = -1
      ctx.emit('changed', { total: -1 })
      ctx.schedule({ in: '1h', key: 'never' }, 'reset')
      refuse(why)
    },
    async failLater(ctx) {
      ctx.state.total += 1
      await ctx.sleep('10s')
      ctx.state.total = -1
      refuse('it is later')
    },
    loop(ctx) {
      for (;;) ctx.state.total += 1
    },
    recurse(ctx) {
      const deeper = (depth: number): number => deeper(depth + 1) + ctx.state.total
      return deeper(0)
    },
    fill(ctx) {
      const line = 'x'.repeat(1024)
      for (let kib = 0; kib < 100 * 1024; kib++) ctx.state.notes.push(line.replace('x', `${kib}`))
    },
    fillLong(ctx) {
      const long = 'x'.repeat(1024 * 1024)
      for (let mib = 0; mib < 100; mib++) ctx.state.notes.push(long.replace('x', `${mib}`))
    },
    spin() {
      let turns = 0
      for (;;) turns = (turns + 1) % 1000
    },
    async slowly(ctx, { by }) {
      ctx.state.total += by
      await ctx.sleep('10s')
      ctx.state.total += by
      return ctx.state.total
    },
    reset(ctx) {
      ctx.state.total = 0
    },
  },
  query: { total: ({ state }) => state.total },
})
