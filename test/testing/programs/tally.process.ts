import { Tally } from './tally.contract.ts'

/** Steps of ticks are the functions that the runtime takes from a list: of three minutes two have it fail there. */
function bendUntil(endMs: number, seed: number): void {
  const { shift } = Array.prototype
  Array.prototype.shift = function (this: unknown[]) {
    const first: unknown = shift.call(this)
    const minute = Math.floor(Date.now() / 60_000)
    if (typeof first === 'function' && Date.now() < endMs && (minute * 7 + seed) % 3 > 0) throw new Error('a storm')
    return first
  }
}

export default Tally.implement({
  reentrant: ['nap'],
  init: ({ args }) => ({ total: args.start, answers: [], ticks: [], came: [] }),
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
    storm(ctx, { ms, seed }) {
      bendUntil(ctx.now.getTime() + ms, seed)
    },
    plan(ctx, { once }) {
      ctx.schedule({ cron: '*/10 * * * *', key: 'cron' }, 'come', { name: 'cron' })
      for (let n = 0; n < once; n++)
        ctx.schedule({ in: (n + 1) * 400_000, key: `once-${n}` }, 'come', { name: `once-${n}` })
    },
    async nap(ctx, { ms }) {
      await ctx.sleep(ms)
      ctx.state.total += 1
    },
    come(ctx, { name }) {
      ctx.state.came.push(name)
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
