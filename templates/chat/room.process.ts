import { Listener, Room } from './room.contract.ts'

class Refused extends Error {
  readonly code = 'not-joined'
}

export default Room.implement({
  init: ({ args: { topic, keep } }) => ({ topic, keep, names: {}, lines: [] }),
  on: {
    join(ctx, { name }) {
      ctx.state.names[ctx.from] = name
      return { topic: ctx.state.topic, people: Object.keys(ctx.state.names).length }
    },
    say(ctx, { text }) {
      const { state, from } = ctx
      const name = state.names[from]
      if (name === undefined) throw new Refused('join first')
      const line = { from, name, text, atMs: ctx.now.getTime() }
      state.lines = [...state.lines, line].slice(-state.keep)
      ctx.emit('said', line)
      for (const member of Object.keys(state.names)) {
        if (member !== from) ctx.ref(Listener, member).send.heard(line)
      }
    },
    leave(ctx) {
      delete ctx.state.names[ctx.from]
    },
  },
  query: {
    history: ({ state }, { last }) => state.lines.slice(-last),
    people: ({ state }) => Object.values(state.names),
  },
})
