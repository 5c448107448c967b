import { Caller } from './caller.contract.ts'

export default Caller.implement({
  init: () => ({ answered: 0 }),
  on: {
    ask(ctx, { left }) {
      ctx.state.answered += 1
      return left
    },
    async askAgain(ctx, { other, times }) {
      const there = ctx.ref(Caller, other)
      let answers = 0
      for (let left = times; left > 0; left--) {
        if ((await there.ask({ left })) === left) answers += 1
      }
      return answers
    },
  },
})
