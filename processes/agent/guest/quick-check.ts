/**
 * Checks for the schemas of zod 4 that most messages are made of, in a tenth of the time.
 *
 * 1. A quick check gives what the schema itself would give, or `UNSURE`; then the schema is asked. So it never refuses:
 *    what is wrong with a value only the schema tells.
 * 2. It is made of what zod tells of a schema (`_zod.def`), and only if all of that is known here: a kind, a check or an
 *    option that is not listed means that there is none, and the schema is asked always.
 * 3. It is a program written for the schema: on an interpreter, names that stand in the code are what is quick, and each step that is
 *    left out. Variables are `var`: the engine looks at each use of another whether it has a value yet.
 */
import type { Schema } from '../../../contract/index.ts'
import { keepShapes } from './kept-shapes.ts'
import { isUnchecked, scalarOf, type Told, toldBy } from './quick-scalars.ts'

/** The quick check does not know. */
export const UNSURE = Symbol('unsure')

export interface QuickCheck {
  /** The value as its schema gives it, or `UNSURE`. What is nobody else's (`isOwn`) may become part of it. */
  readonly value: (value: unknown, isOwn: boolean) => unknown
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
    const functions = `{ value: (v, f) => ${value}, test: v => ${test('v')} }`
    const body = `var A = Array.isArray;\n${this.#functions.join('\n')}\nreturn ${functions}`
    return new Function('U', 'K', body)(UNSURE, this.#constants) as QuickCheck
  }

  #constant(value: unknown): string {
    return `K[${this.#constants.push(value) - 1}]`
  }

  /** Adds functions: `t` tests, `c` makes. */
  #functionsOf(test: string, make: string): Plan {
    const number = this.#functions.length
    this.#functions.push(`var t${number} = ${test}, c${number} = ${make}`)
    return { test: name => `t${number}(${name})`, make: name => `c${number}(${name}, f)` }
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
    const test = (bad: string): string =>
      `if (!${isList}) return ${bad}; for (var i = 0, x; i < v.length; i++) if (x = v[i], !${item.test('x')}) return ${bad};`
    const make =
      item.make === undefined
        ? `${test('U')} return f ? v : [...v]`
        : `if (!${isList}) return U; for (var l = [], i = 0, x; i < v.length; i++) if (x = v[i], (l[i] = ${item.make('x')}) === U) return U; return l`
    return this.#functionsOf(`v => { ${test('false')} return true }`, `(v, f) => { ${make} }`)
  }

  /** What is made has the fields of its shape in their order, and no others. */
  #object(def: Told, depth: number): Plan | undefined {
    if (!isUnchecked(def, ['shape'])) return undefined
    const fields: Field[] = []
    for (const [key, schema] of Object.entries(Object(def['shape']))) {
      const field = this.#field(key, schema, fields.length, depth)
      if (field === undefined) return undefined
      fields.push(field)
    }
    keepShapes(fields.map(({ key }) => key))
    const names = fields.map((_, index) => `x${index}`)
    const variables = names.length === 0 ? '' : `var ${names.join(', ')};`
    const isObject = "typeof v === 'object' && v !== null && !A(v)"
    const tests = [isObject, ...fields.map(({ test }) => test)].join(' && ')
    const makes = [isObject, ...fields.map(({ make }) => make)].join(' && ')
    const isWhole = fields.every(({ kind }) => kind === undefined)
    const object = isWhole
      ? `return { ${fields.map(({ key }, index) => `${JSON.stringify(key)}: x${index}`).join(', ')} }`
      : `var o = {}; ${fields.map(({ put }) => put).join(' ')} return o`
    return this.#functionsOf(
      `v => { ${variables} return ${tests} }`,
      `(v, f) => { ${variables} if (!(${makes})) return U; ${object} }`,
    )
  }

  /** A field: what is absent and is neither optional nor has a default, only the schema can judge. */
  #field(key: string, schema: unknown, index: number, depth: number): Field | undefined {
    const def = toldBy(schema)
    const kind = isWrapped(def) ? def['type'] : undefined
    const plan = this.plan(kind === undefined ? schema : def?.['innerType'], depth + 1)
    if (plan === undefined || key === '__proto__') return undefined
    if (def !== undefined && kind !== undefined && !isUnchecked(def, ['innerType', 'defaultValue'])) return undefined
    const [name, x] = [JSON.stringify(key), `x${index}`]
    const read = `${x} = ${member(key)}`
    const test = plan.test(x)
    const make = plan.make === undefined ? test : `(${x} = ${plan.make(x)}) !== U`
    const put = `o[${name}] = ${x};`
    switch (kind) {
      case 'default': {
        const given = `(${x} = ${this.#constant(def)}.defaultValue, true)`
        const makes = `((${read}) === undefined ? ${given} : ${make})`
        return { key, kind, test: `((${read}) === undefined || ${test})`, make: makes, put }
      }
      case 'optional': {
        const absent = `(${read}) === undefined ? !(${name} in v) :`
        const puts = `if (${x} !== undefined) ${put}`
        return { key, kind, test: `(${absent} ${test})`, make: `(${absent} ${make})`, put: puts }
      }
      default:
        return { key, kind, test: `(${read}, ${test})`, make: `(${read}, ${make})`, put }
    }
  }
}

/** Expressions on the object `v` and the field's variable; `put` is a statement on the new object `o`. */
interface Field {
  readonly key: string
  readonly kind: 'optional' | 'default' | undefined
  readonly test: string
  readonly make: string
  readonly put: string
}

type Wrapped = Told & { readonly type: 'optional' | 'default' }

const isWrapped = (def: Told | undefined): def is Wrapped => def?.['type'] === 'optional' || def?.['type'] === 'default'

/** A name that stands in the code is quicker than one that is looked up. */
const member = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? `v.${key}` : `v[${JSON.stringify(key)}]`)
