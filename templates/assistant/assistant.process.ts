import type { EffectInput } from 'atoll/contract'
import { z } from 'zod'
import { Assistant } from './assistant.contract.ts'

type Notes = { title: string; text: string }[]
type Turn = NonNullable<EffectInput<'llm.generate'>['messages']>[number]

/** What the model may do: each tool is a schema and a function of this process's own state. */
const tools = {
  take_note: {
    description: 'Keep a note',
    input: z.object({ title: z.string(), text: z.string() }),
    run: (notes: Notes, note: { title: string; text: string }) => `kept as number ${notes.push(note)}`,
  },
  find_notes: {
    description: 'Find notes that hold a word',
    input: z.object({ word: z.string() }),
    run: (notes: Notes, { word }: { word: string }) =>
      JSON.stringify(notes.filter(({ title, text }) => `${title} ${text}`.toLowerCase().includes(word.toLowerCase()))),
  },
}

const STEPS_MAX = 8

export default Assistant.implement({
  init: ({ args: { instructions } }) => ({ instructions, notes: [], asked: 0 }),
  on: {
    async ask(ctx, { question }) {
      ctx.state.asked += 1
      const turn = ctx.state.asked
      const messages: Turn[] = [{ role: 'user', content: question }]
      for (let step = 1; step <= STEPS_MAX; step++) {
        // Asked once: what came back stands in the feed, and a replay reads it there.
        const answer = await ctx.effect(
          'llm.generate',
          {
            system: ctx.state.instructions,
            messages,
            tools: Object.entries(tools).map(([name, { description, input }]) => ({
              name,
              description,
              parameters: z.toJSONSchema(input),
            })),
          },
          { key: `ask-${turn}-${step}`, timeout: '5m' },
        )
        const { toolCalls = [] } = answer
        if (toolCalls.length === 0) return { answer: answer.text, steps: step }
        messages.push({ role: 'assistant', content: answer.text, toolCalls })
        for (const { id, name, arguments: given } of toolCalls) {
          const outcome = use(ctx.state.notes, name, given)
          ctx.emit('step', { tool: name, outcome })
          messages.push({ role: 'tool', toolCallId: id, content: outcome })
        }
      }
      throw new Error(`no answer after ${STEPS_MAX} steps`)
    },
  },
  query: { notes: ({ state }) => state.notes },
})

function use(notes: Notes, name: string, given: unknown): string {
  try {
    if (name === 'take_note') return tools.take_note.run(notes, tools.take_note.input.parse(given))
    if (name === 'find_notes') return tools.find_notes.run(notes, tools.find_notes.input.parse(given))
    return `there is no tool ${name}`
  } catch (error) {
    return `that did not work: ${error instanceof Error ? error.message : String(error)}`
  }
}
