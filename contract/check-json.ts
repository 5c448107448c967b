import type { JsonSchema } from '../protocol/index.ts'
import { closedSchema, DEPTH_MAX } from './closed-schema.ts'
import { didYouMean } from './near-word.ts'
import { fromCheck, type Schema } from './schema.ts'

interface Issue {
  readonly message: string
  readonly path: readonly PropertyKey[]
  /** That the value has a field too many, and may be right but for that. */
  readonly isSurplus?: boolean
}

/** Names of types as JSON Schema has them, and what is of each. */
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: value => typeof value === 'string',
  number: value => typeof value === 'number',
  integer: Number.isInteger,
  boolean: value => typeof value === 'boolean',
  null: value => value === null,
}

/** Names that one line tells of, and characters of each: a stranger chose them. */
const NAMES_SHOWN_MAX = 16
const NAME_SHOWN_CHARACTERS = 64

/**
 * The schema that a JSON Schema of a stranger tells of, to check one's own input with before it is sent: types, bounds,
 * choices, names that are needed, and names that it does not know: most libraries drop those where they arrive, and a
 * slip would be lost without a word (`closedSchema`).
 * What else it may say (patterns, references, conditions) is left to the process, which wrote it and checks again; so no
 * check lasts longer than schema and value are long.
 */
export function schemaOfJson(schema: JsonSchema): Schema {
  const closed = closedSchema(schema)
  return fromCheck(value => {
    const issues = [...issuesOf(closed, value, [])]
    return issues.length > 0 ? { issues } : { value }
  }, closed)
}

function* issuesOf(
  given: unknown,
  value: unknown,
  path: readonly PropertyKey[],
  depth = path.length,
): Generator<Issue> {
  if (!isObject(given) || depth >= DEPTH_MAX || '$ref' in given) return
  const types = [given['type']].flat().filter(type => typeof type === 'string')
  if (types.length > 0 && !types.some(type => TYPES[type]?.(value) ?? true)) {
    yield {
      path,
      message: `Invalid input: expected ${types.join(' or ')}, received ${typeOf(value)}`,
    }
    return
  }
  yield* choiceIssues(given, value, path, depth)
  if (typeof value === 'number') yield* boundIssues(given, value, 'number to be', ['minimum', 'maximum'], path)
  if (typeof value === 'string')
    yield* boundIssues(given, value.length, 'string to have length', ['minLength', 'maxLength'], path)
  if (Array.isArray(value)) {
    yield* boundIssues(given, value.length, 'array to have length', ['minItems', 'maxItems'], path)
    for (const [at, entry] of value.entries()) yield* issuesOf(given['items'], entry, [...path, at], depth + 1)
  } else if (isObject(value)) yield* fieldIssues(given, value, path, depth)
}

function* choiceIssues(
  given: JsonSchema,
  value: unknown,
  path: readonly PropertyKey[],
  depth: number,
): Generator<Issue> {
  const choices = 'const' in given ? [given['const']] : given['enum']
  if (Array.isArray(choices) && choices.every(isScalar) && !choices.includes(value))
    yield {
      path,
      message: `Invalid option: expected one of ${choices.map(one => JSON.stringify(one)).join('|')}`,
    }
  for (const either of [given['anyOf'], given['oneOf']])
    if (Array.isArray(either)) yield* formIssues(either, value, path, depth)
}

/** What is wrong with a value that has none of several forms; of one that it has but for fields too many, which those are. */
function* formIssues(
  forms: readonly unknown[],
  value: unknown,
  path: readonly PropertyKey[],
  depth: number,
): Generator<Issue> {
  let surplus: readonly Issue[] | undefined
  for (const form of forms) {
    const issues = [...issuesOf(form, value, path, depth + 1)]
    if (issues.length === 0) return
    if (issues.every(({ isSurplus }) => isSurplus === true)) surplus ??= issues
  }
  yield* surplus ?? [{ path, message: 'Invalid input: expected one of several forms' }]
}

function* boundIssues(
  given: JsonSchema,
  measured: number,
  what: string,
  [least, most]: readonly [string, string],
  path: readonly PropertyKey[],
): Generator<Issue> {
  const [min, max] = [given[least], given[most]]
  if (typeof min === 'number' && measured < min) yield { path, message: `Too small: expected ${what} >=${min}` }
  if (typeof max === 'number' && measured > max) yield { path, message: `Too big: expected ${what} <=${max}` }
}

function* fieldIssues(
  given: JsonSchema,
  value: JsonSchema,
  path: readonly PropertyKey[],
  depth: number,
): Generator<Issue> {
  const properties = isObject(given['properties']) ? given['properties'] : {}
  const needed: readonly unknown[] = Array.isArray(given['required']) ? given['required'] : []
  for (const name of needed)
    if (typeof name === 'string' && !Object.hasOwn(value, name))
      yield {
        path: [...path, name],
        message: `Invalid input: expected ${wanted(properties[name])}, received undefined`,
      }
  const others = given['additionalProperties']
  for (const [name, entry] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) yield* issuesOf(properties[name], entry, [...path, name], depth + 1)
    else if ('patternProperties' in given) continue
    else if (others === false)
      yield { path: [...path, name], message: unknownField(name, Object.keys(properties)), isSurplus: true }
    else yield* issuesOf(others, entry, [...path, name], depth + 1)
  }
}

function unknownField(name: string, known: readonly string[]): string {
  const shown = known.slice(0, NAMES_SHOWN_MAX).map(one => one.slice(0, NAME_SHOWN_CHARACTERS))
  const more = known.length > shown.length ? [`${known.length - shown.length} more`] : []
  const takes = known.length === 0 ? 'it takes none' : `it takes ${[...shown, ...more].join(', ')}`
  return `Unrecognized field (${takes}${didYouMean(name, shown)})`
}

/** What a schema takes, in words. */
function wanted(schema: unknown): string {
  const types = isObject(schema) ? [schema['type']].flat().filter(type => typeof type === 'string') : []
  return types.length > 0 ? types.join(' or ') : 'a value'
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
