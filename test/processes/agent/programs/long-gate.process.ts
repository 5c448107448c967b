import { z } from 'zod'
import { contract, message } from '../../../../contract/index.ts'

const waiting: (() => void)[] = []

const LongGate = contract({
  name: 'long-gate',
  version: '1.0.0',
  messages: {
    enter: message({ input: z.object({ text: z.string() }), reply: z.string() }),
    open: message(),
  },
})

/** A gate behind which everybody is told at length. */
export default LongGate.implement({
  reentrant: true,
  on: {
    async enter(_, { text }) {
      await new Promise<void>(resolve => waiting.push(resolve))
      return text
    },
    open() {
      for (const enter of waiting.splice(0)) enter()
    },
  },
})
