import { contract, message, query } from '../../../../contract/index.ts'
import { z } from 'zod'
import { Counter } from './counter.contract.ts'

const How = z.object({ how: z.string() })

const Together = contract({
  name: 'together',
  version: '1.0.0',
  state: z.object({ log: z.array(z.string()) }),
  messages: {
    lead: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    leadAndFail: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    follow: message({ input: How, reply: z.string() }),
    followAlone: message({ input: How, reply: z.string() }),
    insist: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    twoWays: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    enter: message({ input: How, reply: z.string() }),
    open: message({ reply: z.int() }),
    later: message({ input: How }),
    beat: message(),
    openAndFail: message(),
    leaveBehind: message(),
    leaveBehindAlone: message(),
    note: message({ input: z.object({ text: z.string() }), reply: z.int() }),
  },
  queries: { log: query({ reply: z.array(z.string()) }) },
})

let shared: Promise<number> = Promise.resolve(0)
const doors: (() => void)[] = []
const kept: unknown[] = []

function deeper(n: number): number {
  return deeper(n + 1) + 1
}

const ends: Readonly<Record<string, () => unknown>> = {
  throw() {
    throw new Error('not together')
  },
  loop() {
    for (;;) ''.indexOf('nowhere')
  },
  fill() {
    for (;;) kept.push(new Array(10_000).fill(0))
  },
  deep: () => deeper(0),
  never: () => new Promise(() => undefined),
}

export default Together.implement({
  reentrant: ['lead', 'leadAndFail', 'follow', 'twoWays', 'enter', 'open', 'openAndFail', 'leaveBehind'],
  init: () => ({ log: [] }),
  on: {
    async lead(ctx, { peer }) {
      shared = ctx.ref(Counter, peer).add({ by: 1 })
      const total = await shared
      ctx.state.log.push(`lead ${total}`)
      return total
    },
    async leadAndFail(ctx, { peer }) {
      shared = ctx.ref(Counter, peer).add({ by: 1 })
      ctx.state.log.push(`leads to ${await shared}`)
      throw new Error('leads nowhere')
    },
    async follow(ctx, { how }) {
      await shared
      ctx.state.log.push(how)
      await ends[how]?.()
      return how
    },
    async followAlone(ctx, { how }) {
      await shared
      ctx.state.log.push(how)
      await ends[how]?.()
      return how
    },
    async insist(ctx, { peer }) {
      for (let tries = 1; ; tries++) {
        let total = 0
        try {
          total = await ctx.ref(Counter, peer).add({ by: tries })
        } catch {
          continue
        }
        throw new Error(`${total} at last`)
      }
    },
    async twoWays(ctx, { peer }) {
      const counter = ctx.ref(Counter, peer)
      const later = async (): Promise<number> => {
        const total = await counter.add({ by: 2 })
        ctx.state.log.push(`later ${total}`)
        counter.send.add({ by: total })
        return total
      }
      const [one, two] = await Promise.all([counter.add({ by: 1 }), later()])
      return one + two
    },
    async enter(ctx, { how }) {
      await new Promise<void>(resolve => doors.push(resolve))
      ctx.state.log.push(`in ${how}`)
      await ends[how]?.()
      return how
    },
    open(ctx) {
      ctx.state.log.push('open')
      const count = doors.length
      for (const enter of doors.splice(0)) enter()
      return count
    },
    later(ctx, { how }) {
      const { state } = ctx
      setTimeout(() => {
        state.log.push(`timer ${how}`)
        for (const enter of doors.splice(0)) enter()
        void ends[how]?.()
      }, 1000)
    },
    beat(ctx) {
      const { state } = ctx
      setInterval(() => state.log.push('beat'), 1000)
    },
    openAndFail() {
      for (const enter of doors.splice(0)) enter()
      throw new Error('no opening')
    },
    leaveBehind: () => new Promise(() => undefined),
    leaveBehindAlone: () => new Promise(() => undefined),
    note: (ctx, { text }) => ctx.state.log.push(text),
  },
  query: { log: ({ state }) => [...state.log] },
})
