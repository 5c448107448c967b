/** What zod tells of a schema, of which nothing is taken for granted. */
export type Told = Readonly<Record<string, unknown>>

export function toldBy(part: unknown): Told | undefined {
  const { _zod: inside } = Object(part) as { readonly _zod?: { readonly def?: Told } }
  return inside?.def
}

/** Whether a schema has no checks, and no options but those that are known. An error text changes nothing. */
export function isUnchecked(def: Told, known: readonly string[]): boolean {
  const { checks } = def
  if (Array.isArray(checks) && checks.length > 0) return false
  return Object.keys(def).every(
    name => name === 'type' || name === 'error' || name === 'checks' || known.includes(name),
  )
}

/** The test of a value that is what it is: an expression on the name of a variable. */
export interface Scalar {
  readonly test: (name: string) => string
}

const SAFE_MAX = Number.MAX_SAFE_INTEGER
const isNumber = (x: string): string => `typeof ${x} === 'number' && ${x} - ${x} === 0`
const isSafe = (x: string): string => `${x} % 1 === 0 && ${x} <= ${SAFE_MAX} && ${x} >= -${SAFE_MAX}`

/** Kinds without options, by the test of each. */
const KINDS: Readonly<Record<string, (x: string) => string>> = {
  string: x => `typeof ${x} === 'string'`,
  boolean: x => `typeof ${x} === 'boolean'`,
  null: x => `${x} === null`,
  unknown: x => `${x} !== undefined`,
  any: x => `${x} !== undefined`,
  // A function of the check itself.
  list: x => `A(${x})`,
}
/** Options of a kind that say nothing more than what is tested. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  list: ['element'],
  number: ['check', 'format', 'abort'],
}

/** The test of a schema of a simple kind; `constant` gives the name of a value that the test needs. */
export function scalarOf(def: Told, constant: (value: unknown) => string): Scalar | undefined {
  const kind = String(def['type'])
  if (kind === 'enum') return oneOf(def, 'entries', Object.values(Object(def['entries'])), constant)
  if (kind === 'literal') return oneOf(def, 'values', def['values'], constant)
  const base = kind === 'number' ? numberOf(def) : Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (base === undefined || !isUnchecked({ ...def, checks: [] }, OPTIONS[kind] ?? [])) return undefined
  const tests: ((x: string) => string)[] = [base]
  const { checks } = def
  for (const check of Array.isArray(checks) ? checks : []) {
    const test = testOf(toldBy(check))
    if (test === undefined) return undefined
    tests.push(test)
  }
  return { test: x => `(${tests.map(test => test(x)).join(' && ')})` }
}

function numberOf({ format }: Told): ((x: string) => string) | undefined {
  if (format === undefined) return isNumber
  return format === 'safeint' ? x => `${isNumber(x)} && ${isSafe(x)}` : undefined
}

function oneOf(def: Told, option: string, words: unknown, constant: (value: unknown) => string): Scalar | undefined {
  const areWords = Array.isArray(words) && words.every(word => typeof word === 'string')
  if (!areWords || !isUnchecked(def, [option])) return undefined
  const name = constant(new Set(words))
  return { test: x => `${name}.has(${x})` }
}

function testOf(def: Told | undefined): ((x: string) => string) | undefined {
  const [bound, minimum, maximum] = [def?.['value'], def?.['minimum'], def?.['maximum']]
  const equal = def?.['inclusive'] === true ? '=' : ''
  switch (def?.['check']) {
    case 'number_format':
      return def['format'] === 'safeint' ? isSafe : undefined
    case 'greater_than':
      return typeof bound === 'number' ? x => `${x} >${equal} ${bound}` : undefined
    case 'less_than':
      return typeof bound === 'number' ? x => `${x} <${equal} ${bound}` : undefined
    case 'min_length':
      return typeof minimum === 'number' ? x => `${x}.length >= ${minimum}` : undefined
    case 'max_length':
      return typeof maximum === 'number' ? x => `${x}.length <= ${maximum}` : undefined
    default:
      return undefined
  }
}
