import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

/** Has timers, and a storm in which slots of ticks fail as a whole, whatever their code does. */
export const Stormy = contract({
  name: 'stormy',
  version: '1.0.0',
  state: z.object({ log: z.array(z.string()) }),
  messages: {
    /** From now on, for so long, nothing that is due can be begun. */
    storm: message({ input: z.object({ ms: z.number() }) }),
    plan: message({ input: z.object({ kind: z.enum(['cron', 'once', 'again']) }) }),
    cancel: message({}),
    run: message({ input: z.object({ text: z.string() }) }),
    nap: message({ input: z.object({ ms: z.number() }) }),
    note: message({ input: z.object({ text: z.string() }) }),
  },
  queries: { log: query({ reply: z.array(z.string()) }) },
})

let untilMs = 0

/** Steps of ticks are the functions that the prelude takes from a list. */
function bend(): void {
  const { shift } = Array.prototype
  Array.prototype.shift = function (this: unknown[]) {
    const first: unknown = shift.call(this)
    if (typeof first === 'function' && Date.now() < untilMs) throw new Error('a storm')
    return first
  }
}

export default Stormy.implement({
  reentrant: ['nap'],
  init: () => ({ log: [] }),
  on: {
    storm(_, { ms }) {
      if (untilMs === 0) bend()
      untilMs = Date.now() + ms
    },
    plan(ctx, { kind }) {
      if (kind === 'cron') ctx.schedule({ cron: '* * * * *', key: 'it' }, 'run', { text: 'cron' })
      else ctx.schedule({ in: '1m', key: 'it' }, 'run', { text: kind })
    },
    cancel: ctx => ctx.cancel('it'),
    run(ctx, { text }) {
      ctx.state.log.push(`${text} ${ctx.now.toISOString().slice(14, 19)}`)
    },
    async nap(ctx, { ms }) {
      await ctx.sleep(ms)
      ctx.state.log.push(`slept ${ms}`)
    },
    note(ctx, { text }) {
      ctx.state.log.push(text)
    },
  },
  query: { log: ({ state }) => [...state.log] },
})
