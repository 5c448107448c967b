import type { InterfaceDescription, JsonSchema } from '../protocol/index.ts'
import type { AnyContract, Message, Query } from './contract.ts'
import { nothing, type Schema } from './schema.ts'

/** Tells the JSON Schema of what a schema takes, or nothing, if it cannot. */
export type ToJsonSchema = (schema: Schema) => JsonSchema | undefined

/**
 * The contract as JSON: what tools, forms and other languages need. Schemas are of what travels, in draft 2020-12.
 * zod and arktype tell theirs; for a library that does not, give `toJsonSchema`, else there stands `{}`.
 */
export function describeContract(
  contract: AnyContract,
  options: { readonly toJsonSchema?: ToJsonSchema } = {},
): InterfaceDescription {
  const describe = (schema: Schema): JsonSchema => options.toJsonSchema?.(schema) ?? offeredSchema(schema) ?? {}
  const question = ({ input, reply, doc }: Query): Question => ({
    input: describe(input),
    reply: reply === nothing ? { type: 'null' } : describe(reply),
    ...(doc === undefined ? {} : { doc }),
  })
  const message = (one: Message): Question & { readonly allow?: readonly string[] } => ({
    ...question(one),
    ...(one.allow.includes('anyone') ? {} : { allow: one.allow }),
  })
  return {
    name: contract.name,
    version: contract.version,
    args: describe(contract.args),
    state: describe(contract.state),
    messages: mapped(contract.messages, message),
    queries: mapped(contract.queries, question),
    events: mapped(contract.events, describe),
  }
}

type Question = InterfaceDescription['queries'][string]

function mapped<T, R>(all: Readonly<Record<string, T>>, map: (one: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, map(one)]))
}

/** What the library tells of itself; a schema that JSON cannot say makes it throw. */
function offeredSchema(schema: Schema): JsonSchema | undefined {
  const converter = schema['~standard'].jsonSchema
  try {
    const { $schema: _, ...rest } = converter?.input({ target: 'draft-2020-12' }) ?? {}
    return converter && rest
  } catch {
    return undefined
  }
}
