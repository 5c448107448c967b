/**
 * Checks for the schemas of zod 4 that most messages are made of, in a tenth of the time.
 *
 * 1. A quick check gives what the schema itself would give, or `UNSURE`; then the schema is asked. So it never refuses:
 *    what is wrong with a value only the schema tells.
 * 2. It is made of what zod tells of a schema (`_zod.def`), and only if it knows all of it: a kind, a check or an option
 *    that is not listed here means that there is none, and the schema is asked always.
 */
import type { Schema } from '../../../contract/index.ts'

/** The quick check does not know. */
export const UNSURE = Symbol('unsure')

export type QuickCheck = (value: unknown) => unknown

/** What zod tells of a schema, of which nothing is taken for granted. */
type Told = Readonly<Record<string, unknown>>

/** The quick check of a schema, if it has one. */
export function quickCheck(schema: Schema): QuickCheck | undefined {
  const { vendor } = schema['~standard']
  return vendor === 'zod' ? checkOf(schema) : undefined
}

/** Schemas in schemas; one that holds itself has no quick check. */
const NESTED_MAX = 16
let nested = 0

function checkOf(schema: unknown): QuickCheck | undefined {
  if (nested >= NESTED_MAX) return undefined
  nested += 1
  try {
    return made(toldBy(schema))
  } finally {
    nested -= 1
  }
}

function made(def: Told | undefined): QuickCheck | undefined {
  const kind = def?.['type']
  if (def === undefined || typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) return undefined
  const [makes, ...allowed] = KINDS[kind] ?? [() => undefined]
  const isKnown = Object.keys(def).every(
    name => name === 'type' || name === 'error' || allowed.includes(name),
  )
  return isKnown ? makes(def) : undefined
}

function toldBy(part: unknown): Told | undefined {
  const { _zod: inside } = part as { readonly _zod?: { readonly def?: Told } }
  return inside?.def
}

type Makes = (def: Told) => QuickCheck | undefined

/** How the check of a kind is made, and the options of that kind that it knows. */
const KINDS: Readonly<Record<string, readonly [Makes, ...string[]]>> = {
  string: [def => withChecks(def, value => (typeof value === 'string' ? value : UNSURE)), 'checks'],
  number: [
    def =>
      def['format'] === undefined || def['format'] === 'safeint'
        ? withChecks(def, def['format'] === undefined ? finite : safeInteger)
        : undefined,
    'checks',
    'check',
    'format',
    'abort',
  ],
  boolean: [
    def => (hasChecks(def) ? undefined : value => (typeof value === 'boolean' ? value : UNSURE)),
    'checks',
  ],
  null: [() => value => (value === null ? value : UNSURE)],
  unknown: [() => value => value],
  any: [() => value => value],
  literal: [def => oneOf(def['values']), 'values'],
  enum: [def => oneOf(Object.values(Object(def['entries']))), 'entries'],
  array: [def => withChecks(def, arrayOf(checkOf(def['element']))), 'element', 'checks'],
  object: [def => (hasChecks(def) ? undefined : objectOf(def['shape'])), 'shape', 'checks'],
  nullable: [def => nullable(checkOf(def['innerType'])), 'innerType'],
}

const hasChecks = ({ checks }: Told): boolean => Array.isArray(checks) && checks.length > 0

const finite: QuickCheck = value => (Number.isFinite(value) ? value : UNSURE)
const safeInteger: QuickCheck = value => (Number.isSafeInteger(value) ? value : UNSURE)

function oneOf(values: unknown): QuickCheck | undefined {
  if (!Array.isArray(values) || !values.every(value => typeof value === 'string')) return undefined
  const known: ReadonlySet<unknown> = new Set(values)
  return value => (known.has(value) ? value : UNSURE)
}

function nullable(inner: QuickCheck | undefined): QuickCheck | undefined {
  return inner && (value => (value === null ? null : inner(value)))
}

function arrayOf(item: QuickCheck | undefined): QuickCheck | undefined {
  if (item === undefined) return undefined
  return value => {
    if (!Array.isArray(value)) return UNSURE
    const items: unknown[] = []
    for (let at = 0; at < value.length; at++) {
      const checked = item(value[at])
      if (checked === UNSURE) return UNSURE
      items.push(checked)
    }
    return items
  }
}

interface Field {
  readonly name: string
  readonly check: QuickCheck
  /** It may be left out. */
  readonly isOptional: boolean
  /** Set if it has a value when it is left out: whoever asks gets a new one. */
  readonly standard: Told | undefined
}

function fieldOf(name: string, schema: unknown): Field | undefined {
  const def = toldBy(schema)
  const kind = def?.['type']
  const isWrapped = kind === 'optional' || kind === 'default'
  const options = kind === 'optional' ? 2 : 3
  if (isWrapped && Object.keys(def ?? {}).length !== options) return undefined
  const check = checkOf(isWrapped ? def?.['innerType'] : schema)
  if (check === undefined || name === '__proto__') return undefined
  return {
    name,
    check,
    isOptional: kind === 'optional',
    standard: kind === 'default' ? def : undefined,
  }
}

/** An object has the fields of its shape in their order, and no others. */
function objectOf(shape: unknown): QuickCheck | undefined {
  const fields: Field[] = []
  for (const [name, schema] of Object.entries(Object(shape))) {
    const field = fieldOf(name, schema)
    if (field === undefined) return undefined
    fields.push(field)
  }
  return value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return UNSURE
    const object: Record<string, unknown> = {}
    for (let at = 0; at < fields.length; at++) {
      const { name, check, isOptional, standard } = fields[at] as Field
      const found = (value as Record<string, unknown>)[name]
      if (found !== undefined) {
        const checked = check(found)
        if (checked === UNSURE) return UNSURE
        object[name] = checked
      } else if (standard !== undefined) object[name] = standard['defaultValue']
      else if (!isOptional || name in value) return UNSURE
    }
    return object
  }
}

type Test = (value: unknown) => boolean

/** The check of a kind with the further ones of a schema: bounds and lengths. */
function withChecks(def: Told, base: QuickCheck | undefined): QuickCheck | undefined {
  if (base === undefined || !hasChecks(def)) return base
  const tests: Test[] = []
  for (const part of def['checks'] as readonly unknown[]) {
    const test = testOf(toldBy(part))
    if (test === undefined) return undefined
    tests.push(test)
  }
  const [only] = tests
  if (only !== undefined && tests.length === 1) {
    return value => (base(value) !== UNSURE && only(value) ? base(value) : UNSURE)
  }
  return value => {
    const checked = base(value)
    if (checked === UNSURE) return UNSURE
    for (const test of tests) if (!test(value)) return UNSURE
    return checked
  }
}

function testOf(def: Told | undefined): Test | undefined {
  const bound = def?.['value']
  switch (def?.['check']) {
    case 'number_format':
      return def['format'] === 'safeint' ? value => Number.isSafeInteger(value) : undefined
    case 'greater_than':
      if (typeof bound !== 'number') return undefined
      return def['inclusive'] === true
        ? value => (value as number) >= bound
        : value => (value as number) > bound
    case 'less_than':
      if (typeof bound !== 'number') return undefined
      return def['inclusive'] === true
        ? value => (value as number) <= bound
        : value => (value as number) < bound
    case 'min_length':
      return lengthTest(def['minimum'], (length, minimum) => length >= minimum)
    case 'max_length':
      return lengthTest(def['maximum'], (length, maximum) => length <= maximum)
    default:
      return undefined
  }
}

function lengthTest(
  bound: unknown,
  fits: (length: number, bound: number) => boolean,
): Test | undefined {
  return typeof bound === 'number'
    ? value => fits((value as { length: number }).length, bound)
    : undefined
}
