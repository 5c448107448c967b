import {
  EFFECT_TIMEOUT_MAX_MS,
  type Effect,
  EffectFailed,
  LlmGenerateInput,
  type LlmGenerateOutput,
  readEffectInput,
} from '../../protocol/index.ts'
import { aiSdkMessages } from './ai-sdk-messages.ts'
import { answerTokens, offeredModel, pauseIn } from './llm-offer.ts'

/** What is used of the package `ai` (5 and later), by its shape alone: the program that runs the node brings it. */
export interface AiSdk {
  generateText(options: never): Promise<Generated>
  jsonSchema(schema: never): unknown
  readonly APICallError: { isInstance(error: unknown): boolean }
  /** From 6 on. */
  readonly Output?: { json?(options?: never): unknown }
}

interface Generated {
  readonly text: string
  readonly finishReason: string
  readonly toolCalls: readonly { readonly toolCallId: string; readonly toolName: string; readonly input: unknown }[]
  readonly response: { readonly modelId: string }
  readonly usage: { readonly inputTokens: number | undefined; readonly outputTokens: number | undefined }
}

/** A model as a provider of the AI SDK makes it. */
export interface AiSdkModel {
  readonly modelId: string
}

export interface AiSdkOffer {
  /** The models that a process may name; the first, if it names none. */
  readonly models: readonly [AiSdkModel, ...AiSdkModel[]]
  /** Tokens one answer may have, whatever the process asks for. */
  readonly maxTokens?: number | undefined
}

/** The effect `llm.generate`, by models of the AI SDK: `aiSdkGenerate(await import('ai'), { models: [provider('…')] })`. */
export function aiSdkGenerate(ai: AiSdk, { models, maxTokens }: AiSdkOffer): Effect {
  const names = models.map(({ modelId }) => modelId)
  const generateText = ai.generateText as (options: object) => Promise<Generated>
  return async (input, { key, signal, reaching }) => {
    const asked = readEffectInput(LlmGenerateInput, input)
    const name = offeredModel(asked.model ?? models[0].modelId, names)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(asked.timeoutMs ?? EFFECT_TIMEOUT_MAX_MS)])
    try {
      const generated = await generateText({
        model: models.find(({ modelId }) => modelId === name),
        system: asked.system,
        ...aiSdkMessages(asked),
        tools: asked.tools && toolsOf(asked.tools, ai),
        temperature: asked.temperature,
        maxOutputTokens: answerTokens(asked.maxTokens, maxTokens),
        output: asked.json === true ? jsonOutput(ai) : undefined,
        maxRetries: 0, // Whoever performs effects tries again.
        abortSignal: limit,
        headers: { 'idempotency-key': key },
      })
      return outputOf(generated)
    } catch (cause) {
      if (limit.aborted) throw new EffectFailed('effect-timeout', 'the model gave no answer in time', { cause })
      if (cause instanceof EffectFailed) throw cause
      const call = ai.APICallError.isInstance(cause) ? (cause as ApiCallError) : undefined
      const url = URL.parse(call?.url ?? '')
      if (url !== null) reaching?.(url.host)
      throw failureOf(cause, call)
    }
  }
}

function toolsOf(tools: NonNullable<LlmGenerateInput['tools']>, ai: AiSdk): object {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      { description, inputSchema: ai.jsonSchema(parameters as never) },
    ]),
  )
}

function jsonOutput({ Output }: AiSdk): unknown {
  if (Output?.json === undefined) throw new EffectFailed('effect-bad-input', 'json is not offered here')
  return Output.json()
}

function outputOf({ text, toolCalls, response, finishReason, usage }: Generated): LlmGenerateOutput {
  const calls = toolCalls.map(({ toolCallId, toolName, input }) => ({
    id: toolCallId,
    name: toolName,
    arguments: input,
  }))
  return {
    text,
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    model: response.modelId,
    finishReason,
    usage: { inputTokens: usage.inputTokens ?? 0, outputTokens: usage.outputTokens ?? 0 },
  }
}

interface ApiCallError extends Error {
  readonly url: string
  readonly statusCode?: number
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly isRetryable: boolean
}

/** What a process is told: never the words of the other side, which may repeat a key that only its provider knows. */
function failureOf(cause: unknown, call: Partial<ApiCallError> = { statusCode: 200 }): EffectFailed {
  const { statusCode, responseHeaders, isRetryable } = call
  return new EffectFailed('effect-failed', `the model ${whatItDid(statusCode)}`, {
    cause,
    passing: isRetryable === true,
    afterMs: pauseIn(responseHeaders?.['retry-after']),
    status: statusCode,
  })
}

function whatItDid(status: number | undefined): string {
  if (status === undefined) return 'cannot be reached'
  return status < 300 ? 'gave no answer that can be used' : `answered ${status}`
}
