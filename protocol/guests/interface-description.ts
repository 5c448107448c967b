import { z } from 'zod'
import { INTERFACE_NAMES_MAX } from '../limits/limits.ts'
import type { DeepReadonly } from '../codec/wire.ts'

/** A JSON Schema, draft 2020-12; `{}` where a schema library does not tell. */
const JsonSchema = z.record(z.string(), z.unknown())
export type JsonSchema = DeepReadonly<z.output<typeof JsonSchema>>

const Question = z.object({
  input: JsonSchema,
  reply: JsonSchema,
  doc: z.string().optional(),
})

const few = <S extends z.ZodType>(entry: S): z.ZodRecord<z.ZodString, S> =>
  z.record(z.string(), entry).refine(all => Object.keys(all).length <= INTERFACE_NAMES_MAX, 'too many names')

/**
 * What a process promises, as JSON: its contract without code. Forms, completion, tools and API descriptions are made
 * from it. Its schemas are of what travels.
 */
export const InterfaceDescription = z.object({
  name: z.string(),
  version: z.string(),
  args: JsonSchema,
  state: JsonSchema,
  messages: few(Question.extend({ allow: z.array(z.string()).optional() })),
  queries: few(Question),
  events: few(JsonSchema),
})
export type InterfaceDescription = DeepReadonly<z.output<typeof InterfaceDescription>>
