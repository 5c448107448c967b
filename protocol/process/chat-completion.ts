import { z } from 'zod'

/** What is read of a chat completion of an OpenAI-compatible API; servers leave out, or null, what they do not have. */
export const ChatCompletion = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: z.string().nullish(),
          /** In place of a content. */
          refusal: z.string().nullish(),
          tool_calls: z
            .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.int().nullish(), completion_tokens: z.int().nullish() }).nullish(),
})

/** What such an API answers in place of a completion. */
export const ChatProblem = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) })
