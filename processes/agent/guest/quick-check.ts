/**
 * Checks for the schemas of zod 4 that most messages are made of, in a tenth of the time.
 *
 * 1. A quick check gives what the schema itself would give, or `UNSURE`; then the schema is asked. So it never refuses:
 *    what is wrong with a value only the schema tells.
 * 2. It is made of what zod tells of a schema (`_zod.def`), and only if all of that is known here: a kind, a check or an
 *    option that is not listed means that there is none, and the schema is asked always.
 * 3. It is a program written for the schema: on an interpreter, names that stand in the code are what is quick.
 */
import type { Schema } from '../../../contract/index.ts'
import { isUnchecked, scalarOf, type Told, toldBy } from './quick-scalars.ts'

/** The quick check does not know. */
export const UNSURE = Symbol('unsure')

export interface QuickCheck {
  /** The value as its schema gives it, or `UNSURE`. */
  readonly value: (value: unknown) => unknown
  /** Whether the schema surely takes it. */
  readonly test: (value: unknown) => boolean
}

/** How a value of a kind is looked at: expressions on the name of a variable. */
interface Plan {
  readonly test: (name: string) => string
  /** A new value or `U`; undefined: the value itself. */
  readonly make?: (name: string) => string
}

/** Schemas in schemas; one that holds itself has no quick check. */
const NESTED_MAX = 16

/** The quick check of a schema, if it has one. */
export function quickCheck(schema: Schema): QuickCheck | undefined {
  if (schema['~standard'].vendor !== 'zod') return undefined
  const writer = new CheckWriter()
  const plan = writer.plan(schema, 0)
  return plan && writer.finish(plan)
}

/** Writes the functions that a check is made of. */
class CheckWriter {
  readonly #functions: string[] = []
  /** Values that the functions need: sets of words, and what zod tells of defaults. */
  readonly #constants: unknown[] = []

  plan(schema: unknown, depth: number): Plan | undefined {
    const def = toldBy(schema)
    if (def === undefined || depth > NESTED_MAX) return undefined
    switch (def['type']) {
      case 'array':
        return this.#array(def, depth)
      case 'object':
        return this.#object(def, depth)
      case 'nullable':
        return this.#nullable(def, depth)
      default:
        return scalarOf(def, value => this.#constant(value))
    }
  }

  finish({ test, make }: Plan): QuickCheck {
    const value = make === undefined ? `${test('v')} ? v : U` : make('v')
    const body = `${this.#functions.join('\n')}\nreturn { value: v => ${value}, test: v => ${test('v')} }`
    return new Function('U', 'K', body)(UNSURE, this.#constants) as QuickCheck
  }

  #constant(value: unknown): string {
    return `K[${this.#constants.push(value) - 1}]`
  }

  /** Adds two functions: `t` tests, `c` makes. */
  #pair(test: string, make: string): Plan {
    const number =
      this.#functions.push(`const t${this.#functions.length} = ${test}, c${this.#functions.length} = ${make}`) - 1
    return { test: name => `t${number}(${name})`, make: name => `c${number}(${name})` }
  }

  #nullable(def: Told, depth: number): Plan | undefined {
    const inner = this.plan(def['innerType'], depth + 1)
    if (inner === undefined || !isUnchecked(def, ['innerType'])) return undefined
    const { test, make } = inner
    const isNull = (name: string): string => `(${name} === null || ${test(name)})`
    return make === undefined
      ? { test: isNull }
      : { test: isNull, make: name => `(${name} === null ? null : ${make(name)})` }
  }

  #array(def: Told, depth: number): Plan | undefined {
    const item = this.plan(def['element'], depth + 1)
    const lengths = scalarOf({ ...def, type: 'list' }, value => this.#constant(value))
    if (item === undefined || lengths === undefined) return undefined
    const isList = lengths.test('v')
    const make = item.make?.('x') ?? `${item.test('x')} ? x : U`
    return this.#pair(
      `v => { if (!(${isList})) return false; for (let i = 0; i < v.length; i++) { const x = v[i]; if (!(${item.test('x')})) return false } return true }`,
      `v => { if (!(${isList})) return U; const l = []; for (let i = 0; i < v.length; i++) { const x = v[i], y = ${make}; if (y === U) return U; l.push(y) } return l }`,
    )
  }

  /** An object has the fields of its shape in their order, and no others. */
  #object(def: Told, depth: number): Plan | undefined {
    if (!isUnchecked(def, ['shape'])) return undefined
    const tests: string[] = []
    const makes: string[] = []
    const literal: string[] = []
    const shape = Object.entries(Object(def['shape']))
    const isWhole = shape.every(([, schema]) => !isWrapped(toldBy(schema)))
    for (const [index, [key, schema]] of shape.entries()) {
      const field = this.#field(key, schema, index, depth)
      if (field === undefined) return undefined
      tests.push(field.test)
      makes.push(field.make, isWhole ? '' : field.put)
      literal.push(`${JSON.stringify(key)}: y${index}`)
    }
    const isObject = "typeof v === 'object' && v !== null && !Array.isArray(v)"
    const object = isWhole ? `{ ${literal.join(', ')} }` : 'o'
    return this.#pair(
      `v => { if (!(${isObject})) return false; ${tests.join(' ')} return true }`,
      `v => { if (!(${isObject})) return U; ${isWhole ? '' : 'const o = {};'} ${makes.join(' ')} return ${object} }`,
    )
  }

  /** A field: what is absent and is neither optional nor has a default, only the schema can judge. */
  #field(key: string, schema: unknown, index: number, depth: number) {
    const def = toldBy(schema)
    const kind = isWrapped(def) ? def['type'] : undefined
    const plan = this.plan(kind === undefined ? schema : def?.['innerType'], depth + 1)
    if (plan === undefined || key === '__proto__') return undefined
    if (def !== undefined && kind !== undefined && !isUnchecked(def, ['innerType', 'defaultValue'])) return undefined
    const [name, x, y] = [JSON.stringify(key), `x${index}`, `y${index}`]
    const read = `const ${x} = v[${name}];`
    const value = plan.make?.(x) ?? `${plan.test(x)} ? ${x} : U`
    const absent =
      kind === 'default'
        ? `${this.#constant(def)}.defaultValue`
        : kind === 'optional'
          ? `${name} in v ? U : undefined`
          : 'U'
    const mayBeAbsent = kind === 'default' ? 'true' : kind === 'optional' ? `!(${name} in v)` : 'false'
    const put = `o[${name}] = ${y};`
    return {
      test: `${read} if (!(${x} === undefined ? ${mayBeAbsent} : ${plan.test(x)})) return false;`,
      make: `${read} const ${y} = ${x} === undefined ? ${absent} : ${value}; if (${y} === U) return U;`,
      put: kind === 'optional' ? `if (${y} !== undefined) ${put}` : put,
    }
  }
}

const isWrapped = (def: Told | undefined): def is Told => def?.['type'] === 'optional' || def?.['type'] === 'default'
