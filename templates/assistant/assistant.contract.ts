import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

const Note = z.object({ title: z.string(), text: z.string() })

/** An agent that answers with the help of a language model, and keeps notes of its own. */
export const Assistant = contract({
  name: 'assistant',
  version: '1.0.0',
  args: z.object({ instructions: z.string().default('You help, in short sentences. Keep notes of what is worth it.') }),
  state: z.object({ instructions: z.string(), notes: z.array(Note), asked: z.int() }),
  messages: {
    ask: message({
      input: z.object({ question: z.string().min(1).max(10_000) }),
      reply: z.object({ answer: z.string(), steps: z.int() }),
      doc: 'Ask the agent; it may use its tools before it answers',
    }),
  },
  queries: { notes: query({ reply: z.array(Note) }) },
  events: { step: z.object({ tool: z.string(), outcome: z.string() }) },
})
