import type { JsonSchema } from '../protocol/index.ts'
import type { Json } from './json.ts'

/** One field of a form: enough to draw it, and to say what may stand in it. */
export interface FormField {
  /** Names from the root down; empty for an input that is no object. */
  readonly path: readonly string[]
  /** `json`: something that has no field of its own; it is written as JSON. */
  readonly kind: 'text' | 'integer' | 'number' | 'boolean' | 'choice' | 'json'
  readonly required: boolean
  readonly doc?: string
  readonly choices?: readonly Json[]
  readonly default?: Json
  readonly min?: number
  readonly max?: number
}

/** Objects within objects that become fields of their own; what lies deeper is written as JSON. */
const DEPTH_MAX = 4

/** The fields of a form for what a JSON Schema describes, in the order in which it names them. */
export function formOf(schema: JsonSchema): readonly FormField[] {
  return fieldsOf(schema, [], true, schema)
}

function fieldsOf(given: JsonSchema, path: readonly string[], required: boolean, root: JsonSchema): FormField[] {
  const schema = resolved(given, root)
  const properties = schema['properties']
  if (isObject(properties) && path.length < DEPTH_MAX) {
    const needed = Array.isArray(schema['required']) ? schema['required'] : []
    return Object.entries(properties).flatMap(([name, property]) =>
      fieldsOf(isObject(property) ? property : {}, [...path, name], required && needed.includes(name), root),
    )
  }
  if (schema['type'] === 'object' && path.length === 0 && isObject(properties)) return []
  return [fieldOf(schema, path, required)]
}

function fieldOf(schema: JsonSchema, path: readonly string[], required: boolean): FormField {
  const choices = choicesOf(schema)
  const { description, default: preset, minimum, maximum } = schema
  return {
    path,
    kind: choices === undefined ? kindOf(schema['type']) : 'choice',
    required: required && preset === undefined,
    ...(typeof description === 'string' ? { doc: description } : {}),
    ...(choices === undefined ? {} : { choices }),
    ...(preset === undefined ? {} : { default: preset as Json }),
    ...(typeof minimum === 'number' ? { min: minimum } : {}),
    ...(typeof maximum === 'number' ? { max: maximum } : {}),
  }
}

function kindOf(type: unknown): FormField['kind'] {
  if (type === 'string') return 'text'
  return type === 'integer' || type === 'number' || type === 'boolean' ? type : 'json'
}

/** The values among which one is chosen: an enum, a const, or several consts. */
function choicesOf(schema: JsonSchema): readonly Json[] | undefined {
  if (Array.isArray(schema['enum'])) return schema['enum'] as Json[]
  if ('const' in schema) return [schema['const'] as Json]
  const either = schema['anyOf'] ?? schema['oneOf']
  if (!Array.isArray(either) || !either.every(one => isObject(one) && 'const' in one)) return undefined
  return either.map(one => one.const as Json)
}

/** Follows a reference within the document, once. */
function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const reference = schema['$ref']
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema
  let found: unknown = root
  for (const part of reference.slice(2).split('/'))
    found = isObject(found) && Object.hasOwn(found, part) ? found[part] : undefined
  return isObject(found) ? { ...found, ...schema } : {}
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
