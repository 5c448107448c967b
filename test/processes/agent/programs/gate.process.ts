import { Gate } from './gate.contract.ts'

const waiting: (() => void)[] = []

export default Gate.implement({
  reentrant: true,
  init: () => ({ knocks: 0, entered: 0 }),
  on: {
    async enter(ctx, { who }) {
      ctx.state.knocks += 1
      await new Promise<void>(resolve => waiting.push(resolve))
      ctx.state.entered += 1
      return who
    },
    open(_, { count }) {
      for (const enter of waiting.splice(0, count)) enter()
      return waiting.length
    },
  },
  query: { knocks: ({ state }) => state.knocks },
})
