import { z } from 'zod'
import { contract, message } from '../../../contract/index.ts'

const Note = z.object({ title: z.string(), words: z.array(z.string()), count: z.number().int() })

const Echo = contract({
  name: 'echo',
  version: '1.0.0',
  state: z.object({ seen: z.number().int(), words: z.number().int() }),
  messages: { echo: message({ input: Note, reply: Note }) },
})

export default Echo.implement({
  init: () => ({ seen: 0, words: 0 }),
  on: {
    echo(ctx, note) {
      ctx.state.seen += 1
      ctx.state.words += note.words.length
      return { ...note, count: ctx.state.seen }
    },
  },
})
