import { z } from 'zod'
import { contract, message, query } from '../../../contract/index.ts'

/** Counts, asks others to count, and counts by the clock. */
export const Tally = contract({
  name: 'tally',
  version: '1.0.0',
  args: z.object({ start: z.number().int().default(0) }),
  state: z.object({
    total: z.number().int(),
    answers: z.array(z.number()),
    ticks: z.array(z.number()),
    /** What schedules of `plan` did, by their names. */
    came: z.array(z.string()),
  }),
  messages: {
    add: message({ input: z.object({ by: z.number().int().min(1) }), reply: z.number().int() }),
    /** Asks each of the others in turn, and waits for each answer. */
    askAll: message({
      input: z.object({ others: z.array(z.string()), by: z.number().int() }),
      reply: z.array(z.number()),
    }),
    /** From now on ticks every so often, until `times` are over. */
    tickEvery: message({ input: z.object({ ms: z.number(), times: z.number() }) }),
    tick: message({ input: z.object({ left: z.number() }) }),
    /** From now on most that is due fails with its whole slot, whatever its code does, until so much time has passed. */
    storm: message({ input: z.object({ ms: z.number(), seed: z.number() }) }),
    /** Schedules that come once, and one that comes every ten minutes. */
    plan: message({ input: z.object({ once: z.number() }) }),
    /** Sleeps beside all else, and counts. */
    nap: message({ input: z.object({ ms: z.number() }) }),
    come: message({ input: z.object({ name: z.string() }) }),
    sleepAndAdd: message({ input: z.object({ ms: z.number() }), reply: z.number() }),
    /** Asks itself for the same while it waits for an answer. */
    rally: message({ input: z.object({ peer: z.string() }) }),
    /** Counts, and sends so many characters of three bytes. */
    shout: message({ input: z.object({ characters: z.number() }) }),
    look: message({ input: z.object({ url: z.string() }), reply: z.string() }),
  },
  queries: {
    all: query({
      reply: z.object({
        total: z.number(),
        answers: z.array(z.number()),
        ticks: z.array(z.number()),
        came: z.array(z.string()),
      }),
    }),
  },
})

declare module '../../../contract/index.ts' {
  interface Effects {
    'test.look': { readonly input: { readonly url: string }; readonly reply: unknown }
  }
}
