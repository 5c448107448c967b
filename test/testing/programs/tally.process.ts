import { Tally } from './tally.contract.ts'

export default Tally.implement({
  init: ({ args }) => ({ total: args.start, answers: [], ticks: [] }),
  on: {
    add(ctx, { by }) {
      ctx.state.total += by
      return ctx.state.total
    },
    async askAll(ctx, { others, by }) {
      const answers: number[] = []
      for (const other of others) {
        const answer = await ctx.ref(Tally, other).add({ by }, { timeout: '1h' })
        answers.push(answer)
        ctx.state.answers.push(answer)
      }
      return answers
    },
    tickEvery(ctx, { ms, times }) {
      ctx.schedule({ every: ms, key: 'tick' }, 'tick', { left: times })
    },
    tick(ctx) {
      ctx.state.ticks.push(ctx.now.getTime())
      if (ctx.state.ticks.length >= 5) ctx.cancel('tick')
    },
    async sleepAndAdd(ctx, { ms }) {
      await ctx.sleep(ms)
      ctx.state.total += 1
      return ctx.state.total
    },
    async rally(ctx, { peer }) {
      ctx.state.total += 1
      ctx.send({
        to: ctx.self,
        action: 'rally',
        tags: { 'Content-Type': 'application/json' },
        data: JSON.stringify({ peer }),
      })
      await ctx.ref(Tally, peer).add({ by: 1 }, { timeout: '1h' })
    },
    shout(ctx, { characters }) {
      ctx.state.total += 1
      ctx.send({ to: ctx.self, action: 'nothing', data: '€'.repeat(characters) })
    },
    async look(ctx, { url }) {
      const found = await ctx.effect('test.look', { url }, { key: url })
      return JSON.stringify(found)
    },
  },
  query: { all: ({ state }) => state },
})
