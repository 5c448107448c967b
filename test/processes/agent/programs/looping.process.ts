import { z } from 'zod'
import { contract, message } from '../../../../contract/index.ts'

/** Loops without end, each in a way of its own. */
export const Looping = contract({
  name: 'looping',
  version: '1.0.0',
  state: z.object({}),
  messages: { spin: message({ input: z.object({ how: z.string() }) }), bare: message({}) },
  queries: {},
})

const next = (x: number): number => x + 1

export default Looping.implement({
  init: () => ({}),
  on: {
    bare() {
      while (true);
    },
    spin(_, { how }) {
      let x = next(0)
      if (how === 'counting') {
        for (;;) x++
      }
      if (how === 'doing nothing') for (;;);
      if (how === 'with a condition') {
        while (x > 0) x = x / 2 + 1
      }
      if (how === 'calling') {
        for (;;) {
          x = next(x)
        }
      }
    },
  },
  query: {},
})
