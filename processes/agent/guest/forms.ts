/**
 * What schemas of zod 4 take, as data: checks are written from it here, and the host reads messages by it. It is made of what zod tells of a schema
 * (`_zod.def`), and only if all of that is known: of a schema with a kind, a check or an option that is not listed there is no form.
 */
import type { Schema } from '../../../contract/index.ts'
import { keepSample } from './kept-shapes.ts'

/** A comparison that a number must pass. */
export type Bound = readonly [is: '<' | '<=' | '>' | '>=', than: number]

export type Form =
  | { readonly kind: 'text'; readonly min?: number; readonly max?: number }
  | { readonly kind: 'number'; readonly isWhole: boolean; readonly bounds: readonly Bound[] }
  | { readonly kind: 'flag' }
  | { readonly kind: 'null' }
  /** All but undefined. */
  | { readonly kind: 'anything' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'nullable'; readonly of: Form }
  | { readonly kind: 'list'; readonly item: Form; readonly min?: number; readonly max?: number }
  /** What is made of it has these fields in their order, and no others. `sample`: one of `samples` is laid out so. */
  | { readonly kind: 'object'; readonly fields: readonly FieldForm[]; readonly sample: number | undefined }

export interface FieldForm {
  readonly key: string
  readonly form: Form
  /** Whether it may be absent, and what stands for it then. What is neither, only the schema can judge. */
  readonly absence?: 'optional' | 'default'
  /** As it travels to the host it is left out. */
  readonly standIn?: () => unknown
}

/** What zod tells of a schema, of which nothing is taken for granted. */
type Told = Readonly<Record<string, unknown>>

/** Forms in forms; a schema that holds itself has none. */
const NESTED_MAX = 16

/** The form of a schema, if all of it is known. Call it only while the program is loaded. */
export function formOf(schema: Schema): Form | undefined {
  return schema['~standard'].vendor === 'zod' ? formBy(schema, 0) : undefined
}

function toldBy(part: unknown): Told | undefined {
  const { _zod: inside } = Object(part) as { readonly _zod?: { readonly def?: Told } }
  return inside?.def
}

function formBy(schema: unknown, depth: number): Form | undefined {
  const def = toldBy(schema)
  if (def === undefined || depth > NESTED_MAX) return undefined
  switch (def['type']) {
    case 'string':
      return hasOnly(def, ['checks']) ? withLengths({ kind: 'text' }, def) : undefined
    case 'number':
      return numberForm(def)
    case 'boolean':
      return hasOnly(def) ? { kind: 'flag' } : undefined
    case 'null':
      return hasOnly(def) ? { kind: 'null' } : undefined
    case 'unknown':
    case 'any':
      return hasOnly(def) ? { kind: 'anything' } : undefined
    case 'enum':
      return wordForm(def, 'entries', Object.values(Object(def['entries'])))
    case 'literal':
      return wordForm(def, 'values', def['values'])
    case 'nullable': {
      const of = formBy(def['innerType'], depth + 1)
      return of && hasOnly(def, ['innerType']) ? { kind: 'nullable', of } : undefined
    }
    case 'array': {
      const item = formBy(def['element'], depth + 1)
      return item && hasOnly(def, ['element', 'checks']) ? withLengths({ kind: 'list', item }, def) : undefined
    }
    case 'object':
      return objectForm(def, depth)
    default:
      return undefined
  }
}

/** Whether a schema has no options but those that are known. An error text changes nothing, and neither does a list without checks. */
function hasOnly(def: Told, known: readonly string[] = []): boolean {
  const { checks } = def
  if (!known.includes('checks') && Array.isArray(checks) && checks.length > 0) return false
  return Object.keys(def).every(
    name => name === 'type' || name === 'error' || name === 'checks' || known.includes(name),
  )
}

function* checksOf({ checks }: Told): Iterable<Told> {
  for (const check of Array.isArray(checks) ? checks : []) yield toldBy(check) ?? {}
}

/** The same with bounds of its length; undefined: it is checked for something else too. */
function withLengths(form: Form & { readonly kind: 'text' | 'list' }, def: Told): Form | undefined {
  let { min, max } = form
  for (const { check, minimum, maximum } of checksOf(def)) {
    if (check === 'min_length' && typeof minimum === 'number') min = Math.max(min ?? 0, minimum)
    else if (check === 'max_length' && typeof maximum === 'number') max = Math.min(max ?? maximum, maximum)
    else return undefined
  }
  return { ...form, ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
}

function numberForm(def: Told): Form | undefined {
  const { format } = def
  if (!hasOnly(def, ['checks', 'check', 'format', 'abort'])) return undefined
  if (format !== undefined && format !== 'safeint') return undefined
  let isWhole = format === 'safeint'
  const bounds: Bound[] = []
  for (const { check, format: ofCheck, value, inclusive } of checksOf(def)) {
    const isBound = typeof value === 'number'
    if (check === 'number_format' && ofCheck === 'safeint') isWhole = true
    else if (check === 'greater_than' && isBound) bounds.push([inclusive === true ? '>=' : '>', value])
    else if (check === 'less_than' && isBound) bounds.push([inclusive === true ? '<=' : '<', value])
    else return undefined
  }
  return { kind: 'number', isWhole, bounds }
}

function wordForm(def: Told, option: string, words: unknown): Form | undefined {
  const areWords = Array.isArray(words) && words.every(word => typeof word === 'string')
  return areWords && hasOnly(def, [option]) ? { kind: 'word', words } : undefined
}

function objectForm(def: Told, depth: number): Form | undefined {
  if (!hasOnly(def, ['shape'])) return undefined
  const fields: FieldForm[] = []
  for (const [key, schema] of Object.entries(Object(def['shape']))) {
    const field = fieldForm(key, schema, depth)
    if (field === undefined) return undefined
    fields.push(field)
  }
  return { kind: 'object', fields, sample: keepSample(fields.map(({ key }) => key)) }
}

function fieldForm(key: string, schema: unknown, depth: number): FieldForm | undefined {
  const def = toldBy(schema)
  const absence = def?.['type']
  if (key === '__proto__') return undefined
  if (def === undefined || (absence !== 'optional' && absence !== 'default')) {
    const form = formBy(schema, depth + 1)
    return form && { key, form }
  }
  const form = formBy(def['innerType'], depth + 1)
  if (form === undefined || !hasOnly(def, ['innerType', 'defaultValue'])) return undefined
  return absence === 'optional' ? { key, form, absence } : { key, form, absence, standIn: () => def['defaultValue'] }
}
