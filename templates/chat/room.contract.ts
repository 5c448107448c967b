import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

const Line = z.object({ from: z.string(), name: z.string(), text: z.string(), atMs: z.int() })

/** A chat room: who joined may speak, and everybody can follow. */
export const Room = contract({
  name: 'room',
  version: '1.0.0',
  args: z.object({ topic: z.string().default('anything'), keep: z.int().min(1).max(1000).default(200) }),
  state: z.object({ topic: z.string(), keep: z.int(), names: z.record(z.string(), z.string()), lines: z.array(Line) }),
  messages: {
    join: message({
      input: z.object({ name: z.string().min(1).max(32) }),
      reply: z.object({ topic: z.string(), people: z.int() }),
    }),
    say: message({ input: z.object({ text: z.string().min(1).max(2000) }), doc: 'Say something to all in the room' }),
    leave: message(),
  },
  queries: {
    history: query({ input: z.object({ last: z.int().min(1).max(1000).default(20) }), reply: z.array(Line) }),
    people: query({ reply: z.array(z.string()) }),
  },
  events: { said: Line },
})

/** What a process must take to hear a room it has joined. */
export const Listener = contract({ name: 'listener', version: '1.0.0', messages: { heard: message({ input: Line }) } })
