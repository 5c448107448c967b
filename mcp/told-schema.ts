import type { JsonSchema } from '../protocol/index.ts'
import { toldText } from './told-text.ts'

/** Schemas within schemas that are told; what lies deeper takes anything. */
const DEPTH_MAX = 32
/** Characters of one schema as JSON: a model reads all of them each time it is asked. */
const SCHEMA_MAX_CHARS = 16_384
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
const FORMATS = ['date-time', 'date', 'time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid']
/** Where schemas that are referred to stand, at the root. */
const DEFINITIONS = ['$defs', 'definitions']
const REFERENCE = /^#\/(\$defs|definitions)\/([^/~%]+)$/

/** A value of a keyword as it is told; nothing, if it has not the form that it must have. */
type Telling = (value: unknown, at: Place) => unknown

interface Place {
  readonly root: JsonSchema
  readonly depth: number
  readonly patterns: boolean
}

const isNumber: Telling = value => (typeof value === 'number' ? value : undefined)
const isCount: Telling = value => (Number.isSafeInteger(value) && Number(value) >= 0 ? value : undefined)
const isFlag: Telling = value => (typeof value === 'boolean' ? value : undefined)
const isList: Telling = value => (Array.isArray(value) && value.length > 0 ? value : undefined)
const text: Telling = value => (typeof value === 'string' ? toldText(value) : undefined)
const asIs: Telling = value => value

const schema: Telling = (value, at) => {
  if (typeof value === 'boolean') return value
  if (!isObject(value)) return undefined
  return at.depth >= DEPTH_MAX ? {} : told(value, { ...at, depth: at.depth + 1 })
}

const schemas: Telling = (value, at) => {
  const parts = Array.isArray(value) ? value.map(one => schema(one, at)) : []
  return parts.length > 0 && !parts.includes(undefined) ? parts : undefined
}

const named: Telling = (value, at) => {
  if (!isObject(value)) return undefined
  const parts = Object.entries(value).map(([name, one]) => [name, schema(one, at)] as const)
  return Object.fromEntries(parts.filter(([, one]) => one !== undefined))
}

const types: Telling = (value, at) => {
  if (!Array.isArray(value)) return TYPES.find(type => type === value)
  return isList(
    TYPES.filter(type => value.includes(type)),
    at,
  )
}

const names: Telling = value =>
  Array.isArray(value) ? [...new Set(value.filter(one => typeof one === 'string'))] : undefined

const pattern: Telling = (value, { patterns }) => {
  try {
    return patterns && typeof value === 'string' && new RegExp(value, 'u') ? value : undefined
  } catch {
    return undefined
  }
}

const reference: Telling = (value, { root }) => {
  const [, where = '', name = ''] = (typeof value === 'string' && REFERENCE.exec(value)) || []
  const among = root[where]
  return value === '#' || (isObject(among) && Object.hasOwn(among, name)) ? value : undefined
}

const KEYWORDS: Readonly<Record<string, Telling>> = {
  type: types,
  title: text,
  description: text,
  format: value => FORMATS.find(format => format === value),
  pattern,
  const: asIs,
  default: asIs,
  enum: isList,
  required: names,
  uniqueItems: isFlag,
  $ref: reference,
  ...keywords(isNumber, 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'),
  ...keywords(isCount, 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'),
  ...keywords(named, 'properties', ...DEFINITIONS),
  ...keywords(schema, 'items', 'additionalProperties', 'propertyNames', 'not', 'contains'),
  ...keywords(schemas, 'anyOf', 'oneOf', 'allOf', 'prefixItems'),
}

function keywords(telling: Telling, ...all: readonly string[]): Record<string, Telling> {
  return Object.fromEntries(all.map(name => [name, telling]))
}

/**
 * A stranger's schema as it is told to programs and models: the keywords that are known, where their values have the form of JSON
 * Schema. Whoever reads a list of tools refuses all of it for one schema that is none, or one that leads elsewhere. Without
 * `patterns` where a stranger's values are checked by them, too: that can take for ever.
 */
export function toldSchema(given: JsonSchema, { patterns }: { readonly patterns: boolean }): JsonSchema {
  const all = told(given, { root: given, depth: 0, patterns })
  if (JSON.stringify(all).length <= SCHEMA_MAX_CHARS) return all
  return all['type'] === 'object' ? { type: 'object' } : {}
}

function told(given: JsonSchema, at: Place): JsonSchema {
  const parts = Object.entries(given).flatMap(([name, value]) => {
    const telling = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name]?.(value, at) : undefined
    return telling === undefined ? [] : [[name, telling] as const]
  })
  return Object.fromEntries(parts)
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
