import { ChatCompletion, ChatProblem, LlmGenerateOutput } from '../../protocol/index.ts'

/** The outcome of `llm.generate` in the body of an answer; nothing, if it holds none. */
export function outputOf(text: string): LlmGenerateOutput | undefined {
  const { data } = ChatCompletion.safeParse(jsonIn(text))
  if (data === undefined) return undefined
  const { model, choices, usage } = data
  const [choice] = choices
  const toolCalls = choice?.message.tool_calls?.map(call => ({
    id: call.id,
    name: call.function.name,
    arguments: argumentsIn(call.function.arguments),
  }))
  return LlmGenerateOutput.parse({
    text: choice?.message.content ?? choice?.message.refusal ?? '',
    toolCalls: toolCalls?.length === 0 ? undefined : toolCalls,
    model: model ?? '',
    finishReason: choice?.finish_reason ?? '',
    usage: usage ? { inputTokens: usage.prompt_tokens ?? 0, outputTokens: usage.completion_tokens ?? 0 } : undefined,
  })
}

/** What a server says is wrong, without what it is wrapped in; nothing, if it says nothing in a form that is known. */
export function problemIn(text: string): string | undefined {
  const { data } = ChatProblem.safeParse(jsonIn(text))
  if (data === undefined) return undefined
  return typeof data.error === 'string' ? data.error : data.error.message
}

/** What a model calls a tool with; its text, where that is no JSON: the process checks what it is given, and can tell the model. */
function argumentsIn(text: string): unknown {
  // Some servers write nothing where nothing is given.
  const given = jsonIn(text || '{}')
  return given === undefined ? text : given
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
