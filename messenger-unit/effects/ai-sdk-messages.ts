import type { LlmGenerateInput } from '../../protocol/index.ts'

type Turn = NonNullable<LlmGenerateInput['messages']>[number]

/** What a process asks, in the words of the AI SDK. */
export function aiSdkMessages({ prompt, messages }: LlmGenerateInput): object {
  if (messages === undefined) return { prompt }
  const calls = messages.flatMap(turn => (turn.role === 'assistant' ? (turn.toolCalls ?? []) : []))
  const toolOf = (id: string): string => calls.find(call => call.id === id)?.name ?? ''
  return { messages: messages.map(turn => messageOf(turn, toolOf)), allowSystemInMessages: true }
}

function messageOf(turn: Turn, toolOf: (id: string) => string): object {
  switch (turn.role) {
    case 'tool': {
      const { toolCallId, content } = turn
      const output = { type: 'text', value: content }
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: toolOf(toolCallId), output }] }
    }
    case 'assistant': {
      const calls = (turn.toolCalls ?? []).map(({ id, name, arguments: input }) => ({
        type: 'tool-call',
        toolCallId: id,
        toolName: name,
        input,
      }))
      const text = turn.content === undefined || turn.content === '' ? [] : [{ type: 'text', text: turn.content }]
      return { role: 'assistant', content: [...text, ...calls] }
    }
    default:
      return turn
  }
}
