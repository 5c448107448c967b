import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

const Next = contract({
  name: 'caller',
  version: '2.0.0',
  state: z.object({ lines: z.array(z.string()), count: z.number().int() }),
  messages: { tick: message({ input: z.object({ text: z.string() }), allow: ['self'] }) },
  queries: { lines: query({ reply: z.array(z.string()) }) },
})

export default Next.implement({
  init: () => ({ lines: [], count: 0 }),
  on: {
    tick(ctx, { text }) {
      ctx.state.count = ctx.state.lines.push(`${text} anew`)
    },
  },
  query: { lines: ({ state }) => state.lines },
  migrate: {
    '1.0.0': old => {
      const lines = z.array(z.string()).parse(old['log'])
      if (lines.includes('poison')) throw new Error('this state cannot go on')
      return { lines, count: lines.length }
    },
  },
})
