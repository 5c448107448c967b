import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  type AgentContext,
  type AgentRef,
  contract,
  type Implementation,
  type InputOf,
  message,
  type OutputOf,
  query,
} from '../../contract/index.ts'
import { Counter } from './counter.contract.ts'

/**
 * The compiler runs this file, with `npm run check:types`: each line below `@ts-expect-error` must not compile, or the
 * comment itself is an error.
 */

const Sum = contract({
  name: 'sum',
  version: '1',
  args: z.object({ shards: z.array(z.string()) }),
  state: z.object({ shards: z.array(z.string()) }),
  messages: { fanOut: message({ input: z.object({ by: z.number() }), reply: z.number() }) },
})

const Bare = contract({ name: 'bare', version: '1', messages: { ping: message() } })

const counter = Counter.implement({
  init: ({ args }) => ({ total: args.start }),
  on: {
    add(ctx, { by }) {
      expectTypeOf(by).toEqualTypeOf<number>()
      expectTypeOf(ctx.state).toEqualTypeOf<{ total: number }>()
      ctx.state.total += by
      ctx.emit('changed', { total: ctx.state.total })
      ctx.schedule({ in: '1h', key: 'decay' }, 'reset')
      return ctx.state.total
    },
    reset(ctx) {
      ctx.state.total = 0
    },
  },
  query: { total: ({ state }) => state.total, above: ({ state }, { limit }) => state.total > limit },
  migrate: { '0.9.0': old => ({ total: Number(old['count'] ?? 0) }) },
  reentrant: ['reset'],
})

const sum = Sum.implement({
  init: ({ args }) => ({ shards: args.shards }),
  on: {
    async fanOut(ctx, { by }) {
      const totals = await Promise.all(
        ctx.state.shards.map(id => ctx.ref(Counter, id).add({ by }, { timeout: '2m', retry: 3 })),
      )
      const child = await ctx.spawn(counter, { args: { start: 1 } })
      expectTypeOf(child).toEqualTypeOf<AgentRef<typeof Counter>>()
      const other = await ctx.spawn(Counter)
      other.send.add({ by })
      ctx.schedule({ every: '1h', key: 'again' }, 'fanOut', { by: 1 })
      const page = await ctx.effect('http.fetch', { url: 'https://example.org' }, { key: 'page' })
      expectTypeOf(page.status).toEqualTypeOf<number>()
      return totals.reduce((a, b) => a + b, 0) + (await child.total())
    },
  },
})

/** Never called: for the compiler alone. */
async function doesNotCompile(
  ctx: AgentContext<typeof Counter>,
  ref: AgentRef<typeof Counter>,
  bare: AgentRef<typeof Bare>,
): Promise<void> {
  // What is right compiles, so that the errors below are of what is wrong.
  await ref.add({ by: 1 })
  await ref.reset()
  await bare.ping()
  await bare.ping(undefined, { timeout: '1s' })
  await ref.total(undefined, { timeout: '1s' })

  // @ts-expect-error there is no such message
  await ref.ad({ by: 1 })
  // @ts-expect-error an argument of the wrong type
  await ref.add({ by: 'x' })
  // @ts-expect-error an argument that is missing
  await ref.add({})
  // @ts-expect-error an argument that is not known
  await ref.add({ by: 1, too: 2 })
  // @ts-expect-error no argument at all
  await ref.add()
  // @ts-expect-error the reply is a number
  const text: string = await ref.add({ by: 1 })
  // @ts-expect-error the wrong input of a query
  await ref.above({ limit: 'x' })
  // @ts-expect-error a query has no slot, so it is not sent
  ref.send.total()
  // @ts-expect-error a duration without a unit that exists
  await ref.add({ by: 1 }, { timeout: '2 weeks' })

  // @ts-expect-error there is no such event
  ctx.emit('changes', { total: 1 })
  // @ts-expect-error the wrong data of an event
  ctx.emit('changed', { total: 'x' })
  // @ts-expect-error the state has no such field
  ctx.state.totals = 1
  // @ts-expect-error what comes again and again needs a key
  ctx.schedule({ every: '1h' }, 'reset')
  // @ts-expect-error there is no such message to schedule
  ctx.schedule({ in: '1h' }, 'rest')
  // @ts-expect-error the message needs its input
  ctx.schedule({ in: '1h' }, 'add')
  // @ts-expect-error the child needs its args
  await ctx.spawn(Sum)
  // @ts-expect-error the args of the child are of the wrong type
  await ctx.spawn(sum, { args: { shards: [1] } })
  // @ts-expect-error there is no such effect
  await ctx.effect('http.fech', { url: 'x' }, { key: 'x' })
  // @ts-expect-error an effect is asked for under a key
  await ctx.effect('http.fetch', { url: 'x' })

  const init = () => ({ total: 0 })
  const answers = { total: () => 0, above: () => true }
  const reset = () => undefined
  Counter.implement({ init, on: { add: () => 1, reset }, query: answers })
  // @ts-expect-error the reply of add is a number
  Counter.implement({ init, on: { add: () => 'no', reset }, query: answers })
  // @ts-expect-error reset has no reply
  Counter.implement({ init, on: { add: () => 1, reset: () => 7 }, query: answers })
  // @ts-expect-error a message without a function
  Counter.implement({ init, on: { add: () => 1 }, query: answers })
  // @ts-expect-error a function without a message
  Counter.implement({ init, on: { add: () => 1, reset, more: () => 1 }, query: answers })
  // @ts-expect-error no queries
  Counter.implement({ init, on: { add: () => 1, reset } })
  // @ts-expect-error no state to begin with
  Counter.implement({ on: { add: () => 1, reset }, query: answers })
  // @ts-expect-error another state than the contract's
  Counter.implement({ init: () => ({ sum: 0 }), on: { add: () => 1, reset }, query: answers })
  // @ts-expect-error no such message can be reentrant
  Counter.implement({ init, on: { add: () => 1, reset }, query: answers, reentrant: ['subtract'] })
  // @ts-expect-error queries answer at once
  Counter.implement({ init, on: { add: () => 1, reset }, query: { ...answers, total: async () => 0 } })
  Bare.implement({ on: { ping: () => undefined } })

  // @ts-expect-error every reference has a `send` of its own
  contract({ name: 'chat', version: '1', messages: { send: message() } })
  // @ts-expect-error names with @ are the runtime's own
  contract({ name: 'chat', version: '1', messages: { '@state': message() } })
  // @ts-expect-error a message and a query of one name
  contract({ name: 'chat', version: '1', messages: { say: message() }, queries: { say: query({ reply: z.string() }) } })
  // @ts-expect-error a query without a reply
  query({ input: z.string() })
  void text
}

test('types of a contract are what its schemas say', () => {
  expectTypeOf<OutputOf<(typeof Counter)['args']>>().toEqualTypeOf<{ start: number }>()
  expectTypeOf<InputOf<(typeof Counter)['args']>>().toEqualTypeOf<{ start?: number | undefined }>()
  expectTypeOf(counter).toEqualTypeOf<Implementation<typeof Counter>>()
  expectTypeOf<AgentRef<typeof Counter>['add']>().returns.resolves.toEqualTypeOf<number>()
  expectTypeOf<AgentRef<typeof Counter>['reset']>().returns.resolves.toEqualTypeOf<void>()
  expect([counter.kind, sum.contract.name, typeof doesNotCompile]).toEqual(['agent', 'sum', 'function'])
})
