import { z } from 'zod'
import type { ProcessId } from '../ids.ts'
import { EFFECT_BODY_MAX_BYTES, EFFECT_TIMEOUT_MAX_MS } from '../limits/limits.ts'

/**
 * What a process may ask of the outside world. A messenger unit that the process names performs it and sends the
 * outcome back as a signed message, so it stands in the feed: replay reads it there and asks nobody.
 *
 * An effect is performed at least once, and its outcome takes effect in the process exactly once: a node that dies
 * between the two performs it again. `key` is the same then, for the outside to tell.
 */
export type Effect = (input: unknown, call: EffectCall) => Promise<unknown>

/** Who asks, and how it may be ended. */
export interface EffectCall {
  readonly process: ProcessId
  /** Address that owns the process. */
  readonly owner: string
  /** The process's own name for this one effect. */
  readonly key: string
  readonly signal: AbortSignal
  /** Tells the operator's log with whom it has to do: a name or address, and a port. */
  reaching?(host: string): void
}

/** Effects that a messenger unit performs, by name. */
export type Effects = Readonly<Record<string, Effect>>

interface EffectFailedParts {
  readonly passing?: boolean
  readonly afterMs?: number
  readonly status?: number | undefined
  readonly cause?: unknown
}

/** An effect that will not be performed, or that failed outside: what the process is told. */
export class EffectFailed extends Error {
  override readonly name = 'EffectFailed'
  /** `effect-unknown`, `effect-forbidden`, `effect-bad-input`, `effect-failed`, `effect-timeout`, `effect-too-large` */
  readonly code: `effect-${string}`
  /** Whether trying again soon may go better. */
  readonly passing: boolean
  /** How long the outside asked to be left alone. */
  readonly afterMs: number
  /** The number by which the outside said no, for the operator's log. */
  readonly status: number | undefined

  constructor(
    code: `effect-${string}`,
    message: string,
    { passing = false, afterMs = 0, status, cause }: EffectFailedParts = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.passing = passing
    this.afterMs = afterMs
    this.status = status
  }
}

/** The input of an effect, in its shape. @throws {EffectFailed} `effect-bad-input` */
export function readEffectInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || '(input)'}: ${message}`)
  throw new EffectFailed('effect-bad-input', issues.join('; '))
}

const timeoutMs = z.int().min(1).max(EFFECT_TIMEOUT_MAX_MS).optional()

/** Input of `http.fetch`. A body is text, or base64 of bytes; redirects are not followed but given back. */
export const HttpFetchInput = z.strictObject({
  url: z.url(),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), z.string().max(8192)).default({}),
  body: z.string().optional(),
  bodyBase64: z.base64().optional(),
  timeoutMs,
  maxBytes: z.int().min(1).max(EFFECT_BODY_MAX_BYTES).optional(),
})

/** Output of `http.fetch`; `bodyBase64` in place of `body` if the bytes are no UTF-8. */
export const HttpFetchOutput = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional(),
  bodyBase64: z.string().optional(),
})

const ToolCall = z.object({ id: z.string(), name: z.string(), arguments: z.unknown() })

/** A turn of a conversation with a language model. */
export const LlmMessage = z.union([
  z.strictObject({ role: z.enum(['system', 'user']), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().optional(),
    toolCalls: z.array(ToolCall).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), toolCallId: z.string(), content: z.string() }),
])

/** Input of `llm.generate`: a prompt, or the turns so far; tools are named with the JSON Schema of their arguments. */
export const LlmGenerateInput = z
  .strictObject({
    prompt: z.string().optional(),
    system: z.string().optional(),
    messages: z.array(LlmMessage).max(256).optional(),
    model: z.string().max(128).optional(),
    maxTokens: z.int().min(1).optional(),
    temperature: z.number().min(0).max(2).optional(),
    tools: z
      .array(
        z.strictObject({
          name: z.string(),
          description: z.string().optional(),
          parameters: z.record(z.string(), z.unknown()),
        }),
      )
      .max(64)
      .optional(),
    json: z.boolean().optional(),
    timeoutMs,
  })
  .refine(
    ({ prompt, messages }) => (prompt === undefined) !== (messages === undefined),
    'expected either prompt or messages',
  )

/** Output of `llm.generate`. */
export const LlmGenerateOutput = z.object({
  text: z.string(),
  toolCalls: z.array(ToolCall).optional(),
  model: z.string(),
  finishReason: z.string(),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int() }).optional(),
})

export type HttpFetchInput = z.infer<typeof HttpFetchInput>
export type HttpFetchOutput = z.infer<typeof HttpFetchOutput>
export type LlmGenerateInput = z.infer<typeof LlmGenerateInput>
export type LlmGenerateOutput = z.infer<typeof LlmGenerateOutput>
