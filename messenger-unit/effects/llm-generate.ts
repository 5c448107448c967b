import {
  EFFECT_BODY_MAX_BYTES,
  EFFECT_TIMEOUT_MAX_MS,
  type Effect,
  EffectFailed,
  LlmGenerateInput,
  LlmGenerateOutput,
  readEffectInput,
} from '../../protocol/index.ts'

export interface LlmEndpoint {
  /** Base of an OpenAI-compatible API, such as `https://…/v1`. */
  readonly url: string
  readonly key?: string | undefined
  /** The model of a process that names none; if `models` is not given, the only one. */
  readonly model: string
  /** Models a process may name. */
  readonly models?: readonly string[] | undefined
  /** Tokens one answer may have, whatever the process asks for. */
  readonly maxTokens?: number | undefined
}

const MAX_TOKENS = 4096
/** Answers of a server that may be better in a moment. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
/** Characters of a server's error that a process is shown. */
const ERROR_SHOWN_CHARACTERS = 300

/** The bound on an answer's tokens, in the words of most servers, and in those of OpenAI for models that think first. */
const BOUNDS = ['max_tokens', 'max_completion_tokens'] as const
type Bound = (typeof BOUNDS)[number]

/** The effect `llm.generate`, by an OpenAI-compatible endpoint. Its key stays here: no process sees it. */
export function llmGenerate(endpoint: LlmEndpoint): Effect {
  const url = new URL('chat/completions', endpoint.url.endsWith('/') ? endpoint.url : `${endpoint.url}/`)
  const bounds = new Map<string, Bound>()
  return async (input, { key, signal }) => {
    const asked = readEffectInput(LlmGenerateInput, input)
    const { model = endpoint.model } = asked
    const limit = AbortSignal.any([signal, AbortSignal.timeout(asked.timeoutMs ?? EFFECT_TIMEOUT_MAX_MS)])
    const answered = (bound: Bound): Promise<Response> => post(requestOf(asked, endpoint, bound), key, limit)
    const bound = bounds.get(model) ?? 'max_tokens'
    let response = await answered(bound)
    let text = await boundedText(response)
    const wanted = BOUNDS.find(other => other !== bound && text.includes(other))
    if (response.status === 400 && wanted !== undefined) {
      response = await answered(wanted)
      text = await boundedText(response)
      if (response.ok) bounds.set(model, wanted)
    }
    if (!response.ok) {
      const shown = problemIn(text).slice(0, ERROR_SHOWN_CHARACTERS)
      throw new EffectFailed('effect-failed', `the model answered ${response.status}: ${shown}`, {
        passing: PASSING.has(response.status),
      })
    }
    return outputOf(text)
  }

  function post(body: object, key: string, limit: AbortSignal): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      redirect: 'error',
      signal: limit,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': key,
        ...(endpoint.key === undefined ? {} : { authorization: `Bearer ${endpoint.key}` }),
      },
      body: JSON.stringify(body),
    }).catch(cause => {
      if (limit.aborted) throw new EffectFailed('effect-timeout', 'the model gave no answer in time', { cause })
      throw new EffectFailed('effect-failed', 'the model cannot be reached', { cause, passing: true })
    })
  }
}

function requestOf(
  asked: LlmGenerateInput,
  { model: standard, models = [standard], maxTokens = MAX_TOKENS }: LlmEndpoint,
  bound: Bound,
): object {
  const { model = standard, temperature, tools, json } = asked
  if (!models.includes(model)) {
    throw new EffectFailed('effect-forbidden', `the model ${model} is not offered here; ${models.join(', ')} is`)
  }
  const messages = asked.messages ?? [{ role: 'user' as const, content: asked.prompt ?? '' }]
  return {
    model,
    [bound]: Math.min(asked.maxTokens ?? maxTokens, maxTokens),
    ...(temperature === undefined ? {} : { temperature }),
    ...(json === true ? { response_format: { type: 'json_object' } } : {}),
    ...(tools === undefined ? {} : { tools: tools.map(tool => ({ type: 'function', function: tool })) }),
    messages: [
      ...(asked.system === undefined ? [] : [{ role: 'system', content: asked.system }]),
      ...messages.map(turnOf),
    ],
  }
}

/** A turn in the endpoint's words. */
function turnOf(turn: NonNullable<LlmGenerateInput['messages']>[number]): object {
  if (turn.role === 'tool') return { role: 'tool', tool_call_id: turn.toolCallId, content: turn.content }
  if (turn.role !== 'assistant') return turn
  const calls = turn.toolCalls?.map(({ id, name, arguments: given }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(given) },
  }))
  return { role: 'assistant', content: turn.content ?? null, ...(calls === undefined ? {} : { tool_calls: calls }) }
}

interface Completion {
  readonly model?: string
  readonly choices?: readonly {
    readonly finish_reason?: string
    readonly message?: {
      readonly content?: string | null
      /** In place of a content. */
      readonly refusal?: string | null
      readonly tool_calls?: readonly {
        readonly id: string
        readonly function: { readonly name: string; readonly arguments: string }
      }[]
    }
  }[]
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number }
}

function outputOf(text: string): LlmGenerateOutput {
  try {
    const { model, choices, usage } = JSON.parse(text) as Completion
    const message = choices?.[0]?.message
    const toolCalls = message?.tool_calls?.map(call => ({
      id: call.id,
      name: call.function.name,
      arguments: argumentsIn(call.function.arguments),
    }))
    return LlmGenerateOutput.parse({
      text: message?.content ?? message?.refusal ?? '',
      ...(toolCalls === undefined || toolCalls.length === 0 ? {} : { toolCalls }),
      model: model ?? '',
      finishReason: choices?.[0]?.finish_reason ?? '',
      ...(usage === undefined
        ? {}
        : { usage: { inputTokens: usage.prompt_tokens ?? 0, outputTokens: usage.completion_tokens ?? 0 } }),
    })
  } catch (cause) {
    throw new EffectFailed('effect-failed', 'the model’s answer is not that of an OpenAI-compatible endpoint', {
      cause,
    })
  }
}

/** What a model calls a tool with; its text, where that is no JSON: the process checks what it is given, and can tell the model. */
function argumentsIn(text: string): unknown {
  try {
    // Some servers write nothing where nothing is given.
    return JSON.parse(text || '{}')
  } catch {
    return text
  }
}

/** What a server says is wrong, without what it is wrapped in. */
function problemIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: string | { readonly message?: string } }
    return (typeof error === 'object' ? error.message : error) ?? text
  } catch {
    return text
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > EFFECT_BODY_MAX_BYTES) {
      throw new EffectFailed('effect-too-large', `the answer has more than ${EFFECT_BODY_MAX_BYTES} bytes`)
    }
  }
  return text + decoder.decode()
}
