import { Caller } from './caller.contract.ts'
import { Counter } from './counter.contract.ts'

const uses: Readonly<Record<string, (name: string) => unknown>> = {
  fetch: () => fetch('http://example.org'),
  process: () => process.env,
  require: name => require(name),
  WebSocket: () => new WebSocket('ws://example.org'),
  Buffer: () => Buffer.from(''),
  Intl: () => new Intl.NumberFormat('de'),
}

export default Caller.implement({
  reentrant: ['askFree'],
  init: () => ({ log: [] }),
  on: {
    async ask(ctx, { peer }) {
      ctx.state.log.push('before')
      const total = await ctx.ref(Counter, peer).add({ by: 2 })
      ctx.state.log.push(`after ${total}`)
      return total
    },
    async askTwice(ctx, { peer }) {
      const counter = ctx.ref(Counter, peer)
      const [one, two] = await Promise.all([counter.add({ by: 1 }), counter.add({ by: 2 })])
      return one + two
    },
    async askGently(ctx, { peer }) {
      try {
        return String(await ctx.ref(Counter, peer).add({ by: 2 }, { timeout: '5s', retry: 1 }))
      } catch (error) {
        return error instanceof Error ? `${Reflect.get(error, 'code')}: ${error.message}` : 'what?'
      }
    },
    async askFree(ctx, { peer, n }) {
      ctx.state.log.push(`free ${n}`)
      return n + (await ctx.ref(Counter, peer).total())
    },
    note(ctx, { text }) {
      return ctx.state.log.push(text)
    },
    noteAndFail(ctx, { text }) {
      ctx.state.log.push(text)
      throw new Error(`no ${text}`)
    },
    async failAfter(ctx, { peer }) {
      ctx.state.log.push('before')
      const total = await ctx.ref(Counter, peer).add({ by: 2 })
      ctx.state.log.push('after')
      throw new Error(`not ${total}`)
    },
    async loopAfter(ctx, { peer }) {
      await ctx.ref(Counter, peer).add({ by: 2 })
      ctx.state.log.push('looping')
      for (;;) peer.indexOf('nowhere')
    },
    async spawnChild(ctx, { module }) {
      const child = await ctx.spawn(Counter, { module, args: { start: 7 } })
      ctx.state.log.push(child.id)
      return { id: child.id, total: await child.add({ by: 1 }) }
    },
    tell(ctx, { peer }) {
      ctx.ref(Counter, peer).send.add({ by: 9 })
    },
    async raw(ctx, { peer }) {
      const { from, data, tags } = await ctx.request({
        to: peer,
        action: 'Eval',
        data: 'return 6 * 7',
      })
      return { from, data, tag: tags['Answer'] ?? '' }
    },
    outside: (ctx, { url }) => ctx.effect('http.fetch', { url }, { key: 'page' }),
    random: ctx => ({
      numbers: [Math.random(), Math.random(), ...crypto.getRandomValues(new Uint8Array(3))],
      uuid: crypto.randomUUID(),
      time: Date.now() - ctx.now.getTime(),
    }),
    forget(ctx) {
      void Promise.reject(new Error('nobody listens'))
      ctx.log('and goes on', { well: true })
    },
    async drop() {
      await new Promise(resolve => kept.push(resolve))
    },
    use(_, { name }) {
      uses[name]?.(name)
    },
    later(ctx, { kind }) {
      if (kind === 'in') ctx.schedule({ in: '1h', key: 'later' }, 'tick', { text: 'in' })
      if (kind === 'every') ctx.schedule({ every: '1m', key: 'later' }, 'tick', { text: 'every' })
      if (kind === 'lastCron') ctx.schedule({ cron: '0 30 6 15 11 * 2023', key: 'later' }, 'tick', { text: 'last' })
      if (kind === 'cron') ctx.schedule({ cron: '30 6 * * *', key: 'later' }, 'tickAndFail')
      if (kind === 'cancel') ctx.cancel('later')
      if (kind === 'nameless') ctx.schedule({ in: '2s' }, 'tick', {})
    },
    tick(ctx, { text }) {
      ctx.state.log.push(`${text} of ${ctx.from === ctx.self ? 'self' : ctx.from}`)
    },
    tickAndFail(ctx) {
      ctx.state.log.push('never seen')
      throw new Error('a tick that fails')
    },
    timeouts(ctx) {
      const { state } = ctx
      const timer = setTimeout(() => state.log.push('too early'), 2000)
      clearTimeout(timer)
      setTimeout(() => state.log.push('timeout'), 3000)
    },
  },
  query: { log: ({ state }) => [...state.log] },
})

const kept: unknown[] = []
