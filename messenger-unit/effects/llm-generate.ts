import {
  EFFECT_BODY_MAX_BYTES,
  EFFECT_TIMEOUT_MAX_MS,
  type Effect,
  EffectFailed,
  LlmGenerateInput,
  readEffectInput,
} from '../../protocol/index.ts'
import { outputOf, problemIn } from './llm-answer.ts'
import { answerTokens, offeredModel, pauseIn } from './llm-offer.ts'

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
  return async (input, { key, signal, reaching }) => {
    const asked = readEffectInput(LlmGenerateInput, input)
    reaching?.(url.host)
    const { model = endpoint.model } = asked
    const limit = AbortSignal.any([signal, AbortSignal.timeout(asked.timeoutMs ?? EFFECT_TIMEOUT_MAX_MS)])
    const answered = (bound: Bound): Promise<Answered> => post(requestOf(asked, endpoint, bound), key, limit)
    const bound = bounds.get(model) ?? 'max_tokens'
    let answer = await answered(bound)
    const wanted = BOUNDS.find(other => other !== bound && answer.text.includes(other))
    if (answer.status === 400 && wanted !== undefined) {
      answer = await answered(wanted)
      if (answer.ok) bounds.set(model, wanted)
    }
    const { ok, status, text } = answer
    const output = ok ? outputOf(text) : undefined
    if (output !== undefined) return output
    const said = problemIn(text) ?? (ok ? 'nothing that is a chat completion' : text)
    throw new EffectFailed(
      'effect-failed',
      `the model answered ${status}: ${withoutKey(said).slice(0, ERROR_SHOWN_CHARACTERS)}`,
      { passing: PASSING.has(status), afterMs: answer.afterMs, status },
    )
  }

  async function post(body: object, key: string, limit: AbortSignal): Promise<Answered> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        signal: limit,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          ...(endpoint.key === undefined ? {} : { authorization: `Bearer ${endpoint.key}` }),
        },
        body: JSON.stringify(body),
      })
      const { ok, status } = response
      return { ok, status, afterMs: pauseIn(response.headers.get('retry-after')), text: await boundedText(response) }
    } catch (cause) {
      if (cause instanceof EffectFailed) throw cause
      if (limit.aborted) throw new EffectFailed('effect-timeout', 'the model gave no answer in time', { cause })
      throw new EffectFailed('effect-failed', 'the model cannot be reached', { cause, passing: true })
    }
  }

  /** Some servers repeat a key that they refuse; what a process is told stands in its feed, for all to read. */
  function withoutKey(text: string): string {
    return endpoint.key === undefined ? text : text.replaceAll(endpoint.key, '(the key)')
  }
}

interface Answered {
  readonly ok: boolean
  readonly status: number
  /** How long the server asks to be left alone. */
  readonly afterMs: number
  readonly text: string
}

function requestOf(
  asked: LlmGenerateInput,
  { model: standard, models = [standard], maxTokens }: LlmEndpoint,
  bound: Bound,
): object {
  const { model = standard, temperature, tools, json } = asked
  const messages = asked.messages ?? [{ role: 'user' as const, content: asked.prompt ?? '' }]
  return {
    model: offeredModel(model, models),
    [bound]: answerTokens(asked.maxTokens, maxTokens),
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
