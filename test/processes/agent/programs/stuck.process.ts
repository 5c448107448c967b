import { contract, message } from '../../../../contract/index.ts'
import { z } from 'zod'
import { Counter } from './counter.contract.ts'

const Stuck = contract({
  name: 'stuck',
  version: '1.0.0',
  state: z.object({ begun: z.int() }),
  messages: {
    never: message({ reply: z.int() }),
    afterReply: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    afterSleep: message({ reply: z.int() }),
    afterTimer: message({ reply: z.int() }),
    begin: message({ input: z.object({ peer: z.string() }), reply: z.int() }),
    afterOther: message({ reply: z.int() }),
    held: message({ reply: z.int() }),
    release: message(),
    throwOdd: message(),
    ask: message({ reply: z.int() }),
  },
})

const forever = (): Promise<number> => new Promise(() => undefined)
let begun: Promise<number> | undefined
let release: (value: number) => void = () => undefined

export default Stuck.implement({
  init: () => ({ begun: 0 }),
  on: {
    never(ctx) {
      ctx.state.begun += 1
      return forever()
    },
    async afterReply(ctx, { peer }) {
      await ctx.ref(Counter, peer).add({ by: 1 })
      ctx.state.begun += 1
      return forever()
    },
    async afterSleep(ctx) {
      await ctx.sleep('5s')
      ctx.state.begun += 1
      return forever()
    },
    async afterTimer(ctx) {
      await new Promise(resolve => setTimeout(resolve, 5000))
      ctx.state.begun += 1
      return forever()
    },
    begin(ctx, { peer }) {
      begun = ctx.ref(Counter, peer).add({ by: 1 })
      return 0
    },
    async afterOther() {
      await begun
      return forever()
    },
    held() {
      return new Promise(resolve => {
        release = resolve
      })
    },
    release() {
      release(7)
    },
    throwOdd() {
      throw { why: 'odd' }
    },
    ask: ctx => ctx.state.begun,
  },
})
