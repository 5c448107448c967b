import { Crowd, Gate } from './gate.contract.ts'

export default Crowd.implement({
  reentrant: true,
  init: () => ({ waiting: 0, inside: [] }),
  on: {
    async knock(ctx, { gate, who }) {
      ctx.state.waiting += 1
      const answer = await ctx.ref(Gate, gate).enter({ who }, { timeout: '7d' })
      ctx.state.waiting -= 1
      ctx.state.inside.push(answer)
      return answer
    },
  },
  query: { inside: ({ state }) => [...state.inside], waiting: ({ state }) => state.waiting },
})
