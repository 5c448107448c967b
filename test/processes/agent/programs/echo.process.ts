import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

const Texts = z.object({ text: z.string(), texts: z.array(z.string()), note: z.string().nullable().optional() })

const Echo = contract({
  name: 'echo',
  version: '1.0.0',
  state: z.object({ last: Texts }),
  messages: {
    keep: message({ input: Texts, reply: Texts }),
    tell: message({ input: Texts, reply: Texts }),
    more: message({ input: z.object({ text: z.string() }), reply: z.object({ known: z.string() }) }),
  },
  queries: { last: query({ reply: Texts }) },
  events: { told: z.object({ text: z.string() }) },
})

export default Echo.implement({
  init: () => ({ last: { text: '', texts: [] } }),
  on: {
    keep(ctx, texts) {
      ctx.state.last = texts
      return texts
    },
    tell(ctx, texts) {
      ctx.emit('told', { text: texts.text })
      return texts
    },
    more(_, { text }) {
      const more = { known: text, unknown: 'not promised' }
      return more
    },
  },
  query: { last: ({ state }) => state.last },
})
