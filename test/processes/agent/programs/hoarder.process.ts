import { contract, message } from '../../../../contract/index.ts'
import { z } from 'zod'

const Hoarder = contract({
  name: 'hoarder',
  version: '1.0.0',
  state: z.object({ pieces: z.array(z.string()) }),
  messages: { fill: message({ input: z.object({ length: z.int() }) }) },
})

export default Hoarder.implement({
  init: () => ({ pieces: [] }),
  on: {
    fill(ctx, { length }) {
      for (let n = 0; ; n++) ctx.state.pieces.push(`${n}`.padEnd(length, '-'))
    },
  },
})
