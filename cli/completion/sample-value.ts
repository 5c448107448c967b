/** A JSON Schema, as far as it is read here. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: string
  readonly pattern?: string
  readonly examples?: readonly unknown[]
}

/** Levels of objects in objects that a sample has. */
const DEPTH_MAX = 4

/** A value of the shape that a JSON Schema asks for: something to begin with, not always valid. */
export function sampleValue(schema: Schema, depth = 0): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (schema.examples?.[0] !== undefined) return schema.examples[0]
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf?.[0] !== undefined) return sampleValue(schema.anyOf[0], depth)
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return depth >= DEPTH_MAX ? {} : sampleObject(schema, depth)
    case 'array':
      return schema.items === undefined || depth >= DEPTH_MAX ? [] : [sampleValue(schema.items, depth + 1)]
    case 'string':
      return sampleText(schema)
    case 'integer':
    case 'number':
      return sampleNumber(schema)
    case 'boolean':
      return false
    default:
      return null
  }
}

/** Texts of the formats that contracts ask for most. */
const TEXTS: Readonly<Record<string, string>> = {
  uri: 'https://example.org',
  email: 'ann@example.org',
  uuid: '00000000-0000-4000-8000-000000000000',
  date: '2030-01-01',
  'date-time': '2030-01-01T00:00:00Z',
}

/** What such a format looks like, or a word of a length that fits; nothing for what only a pattern tells. */
function sampleText({ format = '', pattern, minLength = 0, maxLength = Infinity }: Schema): string {
  const known = TEXTS[format]
  if (known !== undefined) return known
  return pattern === undefined ? 'text'.padEnd(minLength, '.').slice(0, maxLength) : ''
}

/** The number nearest to zero, which is what a person would write who has none in mind. */
function sampleNumber({ minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity }: Schema): number {
  return Math.min(Math.max(0, minimum, exclusiveMinimum + 1), maximum)
}

/** Needed fields; where none is, the first, so that there is something to see. */
function sampleObject({ properties = {}, required = [] }: Schema, depth: number): object {
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1)
  const fields = names.flatMap(name => {
    const field = properties[name]
    return field === undefined ? [] : [[name, sampleValue(field, depth + 1)] as const]
  })
  return Object.fromEntries(fields)
}
