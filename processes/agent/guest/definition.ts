import { AgentError } from './agent-error.ts'

/** Standard Schema, version 1, as much of it as is used: https://standardschema.dev */
export interface Schema {
  readonly '~standard': { validate(value: unknown): Outcome | Promise<Outcome> }
}

type Outcome =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export interface MessageShape {
  readonly input?: Schema | undefined
  readonly reply?: Schema | undefined
  readonly allow?: readonly string[] | undefined
}

export interface Contract {
  readonly name: string
  readonly version: string
  readonly args?: Schema | undefined
  readonly state?: Schema | undefined
  readonly messages?: Readonly<Record<string, MessageShape>> | undefined
  readonly queries?: Readonly<Record<string, MessageShape>> | undefined
  readonly events?: Readonly<Record<string, Schema>> | undefined
}

/** What a program gives: made by `contract().implement()`, taken here as any plain object of this shape. */
export interface Implementation {
  readonly kind: 'agent'
  readonly contract: Contract
  readonly definition: {
    init?(facts: unknown): unknown
    readonly on?: Readonly<Record<string, (context: unknown, input: unknown) => unknown>>
    readonly query?: Readonly<Record<string, (context: unknown, input: unknown) => unknown>>
    readonly migrate?: Readonly<Record<string, (state: unknown, versions: unknown) => unknown>>
    readonly reentrant?: boolean | readonly string[]
  }
}

/** Own properties only: `toString` is nobody's message. */
export function own<T>(
  table: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}

const ISSUES_TOLD_MAX = 3

/** The value as the schema gives it. @throws {AgentError} with `code`, naming the place */
export function check(
  schema: Schema | undefined,
  value: unknown,
  code: string,
  place: string,
): unknown {
  if (schema === undefined) return value
  const outcome = schema['~standard'].validate(value)
  if (outcome instanceof Promise)
    throw new AgentError(
      code,
      `${place}: its schema is asynchronous, which a process cannot wait for`,
    )
  if (outcome.issues === undefined) return outcome.value
  const told = outcome.issues.slice(0, ISSUES_TOLD_MAX).map(({ message, path }) => {
    const keys = path?.map(key => String(typeof key === 'object' ? key.key : key)) ?? []
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
  })
  throw new AgentError(code, `${place}: ${told.join('; ')}`)
}
