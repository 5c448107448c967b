import type { JsonSchema } from '../protocol/index.ts'

/**
 * A schema of any library that keeps Standard Schema v1 (zod, valibot, arktype, …). It must answer at once: a process
 * cannot wait for it. What travels is the form a schema takes (`In`); who receives it gets the form it gives (`Out`).
 */
export interface Schema<In = unknown, Out = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Verdict<Out> | Promise<Verdict<Out>>
    readonly types?: { readonly input: In; readonly output: Out } | undefined
    /** Standard JSON Schema, of libraries that keep it too; what JSON cannot say makes it throw. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => JsonSchema } | undefined
  }
}

/** What a schema says of a value. */
type Verdict<Out> = { readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The form that a schema takes. */
export type InputOf<S extends Schema> = NonNullable<S['~standard']['types']>['input']
/** The form that a schema gives. */
export type OutputOf<S extends Schema> = NonNullable<S['~standard']['types']>['output']

/** A value in the form its schema gives, or what is wrong with it, in one line for eyes. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

/** Problems that one line tells of; the rest are counted. */
const PROBLEMS_SHOWN_MAX = 8

/** Checks `value`; never throws, unless the schema does. */
export function checkValue<S extends Schema>(schema: S, value: unknown): Checked<OutputOf<S>> {
  const verdict = schema['~standard'].validate(value)
  if ('then' in verdict) return { ok: false, problem: 'its schema answers later, and nothing waits for a schema' }
  if (verdict.issues === undefined) return { ok: true, value: verdict.value as OutputOf<S> }
  const shown = verdict.issues.slice(0, PROBLEMS_SHOWN_MAX).map(showIssue)
  const more = verdict.issues.length - shown.length
  return { ok: false, problem: [...shown, ...(more > 0 ? [`${more} more`] : [])].join('; ') }
}

/**
 * Checks an input that may have been left out: undefined, if the schema takes it, else an empty object. So an object
 * whose fields are all optional need not be written.
 */
export function checkInput<S extends Schema>(schema: S, value: unknown): Checked<OutputOf<S>> {
  const checked = checkValue(schema, value)
  if (checked.ok || value !== undefined) return checked
  const empty = checkValue(schema, {})
  return empty.ok ? empty : checked
}

/** What travels for an input that may have been left out: what `checkInput` has found right. */
export function inputToSend(schema: Schema, value: unknown): unknown {
  return value === undefined && !checkValue(schema, undefined).ok ? {} : value
}

function showIssue({ message, path = [] }: Issue): string {
  const where = path.map(part => String(typeof part === 'object' ? part.key : part)).join('.')
  return where === '' ? message : `${where}: ${message}`
}

/** Nothing: of a message without input or without reply. */
export type Nothing = Schema<void, void>

/** A record without fields: the state of a process that keeps nothing. */
export type Empty = Schema<Readonly<Record<string, never>> | undefined, Record<string, never>>

/** Takes nothing, null or an object (an AO message brings its tags, whatever they are); gives nothing. */
export const nothing: Nothing = fromCheck(value =>
  value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value))
    ? { value: undefined }
    : { issues: [{ message: 'Invalid input: expected nothing' }] },
)

/** Takes nothing or an object; gives a new one without fields. */
export const empty: Empty = fromCheck(value =>
  value === undefined || (typeof value === 'object' && value !== null)
    ? { value: {} }
    : { issues: [{ message: 'Invalid input: expected an empty object' }] },
)

/** A schema of our own. JSON Schema says of it, unless told otherwise, that it takes an object. */
export function fromCheck<In, Out>(
  validate: (value: unknown) => Verdict<Out>,
  json: JsonSchema = { type: 'object', properties: {} },
): Schema<In, Out> {
  return { '~standard': { version: 1, vendor: 'atoll', validate, jsonSchema: { input: () => structuredClone(json) } } }
}
