import { z } from 'zod'
import { contract, message } from '../../../contract/index.ts'

const Note = z.object({
  id: z.string(),
  author: z.string(),
  title: z.string(),
  text: z.string(),
  labels: z.array(z.string()),
  likes: z.number().int(),
  draft: z.boolean(),
})

const Echo = contract({
  name: 'echo',
  version: '1.0.0',
  state: z.object({ notes: z.number().int(), likes: z.number().int() }),
  messages: { keep: message({ input: Note, reply: Note }) },
})

export default Echo.implement({
  init: () => ({ notes: 0, likes: 0 }),
  on: {
    keep(ctx, note) {
      ctx.state.notes += 1
      ctx.state.likes += note.likes
      return { ...note, likes: ctx.state.likes }
    },
  },
})
