import { z } from 'zod'
import { contract, message } from '../../../../contract/index.ts'

const waiting: (() => void)[] = []

const FullGate = contract({
  name: 'full-gate',
  version: '1.0.0',
  messages: {
    enter: message({ input: z.object({ who: z.number().int() }), reply: z.number().int() }),
    fill: message({ input: z.object({ sends: z.number().int() }) }),
  },
})

/** A gate that opens in a slot that has sent so many messages already. */
export default FullGate.implement({
  reentrant: true,
  on: {
    async enter(_, { who }) {
      await new Promise<void>(resolve => waiting.push(resolve))
      return who
    },
    fill(ctx, { sends }) {
      for (let n = 0; n < sends; n++) ctx.send({ to: ctx.self, action: 'nothing' })
      for (const enter of waiting.splice(0)) enter()
    },
  },
})
