import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

const Peer = z.object({ peer: z.string() })

export const Caller = contract({
  name: 'caller',
  version: '1.0.0',
  state: z.object({ log: z.array(z.string()) }),
  messages: {
    ask: message({ input: Peer, reply: z.number() }),
    askTwice: message({ input: Peer, reply: z.number() }),
    askGently: message({ input: Peer, reply: z.string() }),
    askFree: message({ input: z.object({ peer: z.string(), n: z.number() }), reply: z.number() }),
    note: message({ input: z.object({ text: z.string() }), reply: z.number() }),
    noteAndFail: message({ input: z.object({ text: z.string() }) }),
    failAfter: message({ input: Peer }),
    loopAfter: message({ input: Peer }),
    spawnChild: message({
      input: z.object({ module: z.string() }),
      reply: z.object({ id: z.string(), total: z.number() }),
    }),
    tell: message({ input: Peer }),
    raw: message({
      input: Peer,
      reply: z.object({ from: z.string(), data: z.string(), tag: z.string() }),
    }),
    outside: message({ input: z.object({ url: z.string() }), reply: z.unknown() }),
    random: message({
      reply: z.object({ numbers: z.array(z.number()), uuid: z.string(), time: z.number() }),
    }),
    forget: message(),
    drop: message(),
    use: message({ input: z.object({ name: z.string() }) }),
    later: message({
      input: z.object({ kind: z.enum(['in', 'every', 'cron', 'lastCron', 'cancel', 'nameless']) }),
    }),
    tick: message({ input: z.object({ text: z.string().default('tick') }), allow: ['self'] }),
    tickAndFail: message({ allow: ['self'] }),
    timeouts: message(),
  },
  queries: { log: query({ reply: z.array(z.string()) }) },
})
