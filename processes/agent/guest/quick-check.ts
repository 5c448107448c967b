/**
 * Checks for the schemas that most messages are made of (`forms.ts`), in a tenth of the time.
 *
 * 1. A quick check gives what the schema itself would give, or `UNSURE`; then the schema is asked. So it never refuses:
 *    what is wrong with a value only the schema tells.
 * 2. It is a program written for the schema: on an interpreter, names that stand in the code are what is quick, and each step that is
 *    left out. Variables are `var`: the engine looks at each use of another whether it has a value yet.
 */
import type { Bound, FieldForm, Form } from './forms.ts'

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

export function quickCheck(form: Form): QuickCheck {
  const writer = new CheckWriter()
  return writer.finish(writer.plan(form))
}

const SAFE_MAX = Number.MAX_SAFE_INTEGER
const isNumber = (x: string): string => `typeof ${x} === 'number' && ${x} - ${x} === 0`
const isSafe = (x: string): string => `${x} % 1 === 0 && ${x} <= ${SAFE_MAX} && ${x} >= -${SAFE_MAX}`
const within = (x: string, bounds: readonly Bound[]): string =>
  bounds.map(([is, than]) => ` && ${x} ${is} ${than}`).join('')

/** Whether the length of a text or list is within bounds. */
function hasLength(x: string, { min, max }: { readonly min?: number; readonly max?: number }): string {
  const least = min === undefined ? '' : ` && ${x}.length >= ${min}`
  return max === undefined ? least : `${least} && ${x}.length <= ${max}`
}

/** Writes the functions that a check is made of. */
class CheckWriter {
  readonly #functions: string[] = []
  /** Values that the functions need: sets of words, and what stands in for an absent field. */
  readonly #constants: unknown[] = []

  plan(form: Form): Plan {
    switch (form.kind) {
      case 'text':
        return { test: x => `(typeof ${x} === 'string'${hasLength(x, form)})` }
      case 'number':
        return { test: x => `(${isNumber(x)}${form.isWhole ? ` && ${isSafe(x)}` : ''}${within(x, form.bounds)})` }
      case 'flag':
        return { test: x => `(typeof ${x} === 'boolean')` }
      case 'null':
        return { test: x => `(${x} === null)` }
      case 'anything':
        return { test: x => `(${x} !== undefined)` }
      case 'word': {
        const name = this.#constant(new Set(form.words))
        return { test: x => `${name}.has(${x})` }
      }
      case 'nullable':
        return this.#nullable(this.plan(form.of))
      case 'list':
        return this.#list(form)
      case 'object':
        return this.#object(form.fields)
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

  #nullable({ test, make }: Plan): Plan {
    const isNull = (name: string): string => `(${name} === null || ${test(name)})`
    return make === undefined
      ? { test: isNull }
      : { test: isNull, make: name => `(${name} === null ? null : ${make(name)})` }
  }

  #list(form: Form & { readonly kind: 'list' }): Plan {
    const item = this.plan(form.item)
    const isList = `(A(v)${hasLength('v', form)})`
    const test = (bad: string): string =>
      `if (!${isList}) return ${bad}; for (var i = 0, x; i < v.length; i++) if (x = v[i], !${item.test('x')}) return ${bad};`
    const make =
      item.make === undefined
        ? `${test('U')} return f ? v : [...v]`
        : `if (!${isList}) return U; for (var l = [], i = 0, x; i < v.length; i++) if (x = v[i], (l[i] = ${item.make('x')}) === U) return U; return l`
    return this.#functionsOf(`v => { ${test('false')} return true }`, `(v, f) => { ${make} }`)
  }

  #object(forms: readonly FieldForm[]): Plan {
    const fields = forms.map((form, index) => this.#field(form, `x${index}`))
    const names = fields.map((_, index) => `x${index}`)
    const variables = names.length === 0 ? '' : `var ${names.join(', ')};`
    const isObject = "typeof v === 'object' && v !== null && !A(v)"
    const tests = [isObject, ...fields.map(({ test }) => test)].join(' && ')
    const makes = [isObject, ...fields.map(({ make }) => make)].join(' && ')
    const isWhole = forms.every(({ absence }) => absence === undefined)
    const object = isWhole
      ? `return { ${forms.map(({ key }, index) => `${JSON.stringify(key)}: x${index}`).join(', ')} }`
      : `var o = {}; ${fields.map(({ put }) => put).join(' ')} return o`
    return this.#functionsOf(
      `v => { ${variables} return ${tests} }`,
      `(v, f) => { ${variables} if (!(${makes})) return U; ${object} }`,
    )
  }

  #field({ key, form, absence, standIn }: FieldForm, x: string): Field {
    const plan = this.plan(form)
    const name = JSON.stringify(key)
    const read = `${x} = ${member(key)}`
    const test = plan.test(x)
    const make = plan.make === undefined ? test : `(${x} = ${plan.make(x)}) !== U`
    const put = `o[${name}] = ${x};`
    switch (absence) {
      case 'default': {
        const given = `(${x} = ${this.#constant(standIn)}(), true)`
        const makes = `((${read}) === undefined ? ${given} : ${make})`
        return { test: `((${read}) === undefined || ${test})`, make: makes, put }
      }
      case 'optional': {
        const absent = `(${read}) === undefined ? !(${name} in v) :`
        const puts = `if (${x} !== undefined) ${put}`
        return { test: `(${absent} ${test})`, make: `(${absent} ${make})`, put: puts }
      }
      default:
        return { test: `(${read}, ${test})`, make: `(${read}, ${make})`, put }
    }
  }
}

/** Expressions on the object `v` and the field's variable; `put` is a statement on the new object `o`. */
interface Field {
  readonly test: string
  readonly make: string
  readonly put: string
}

/** A name that stands in the code is quicker than one that is looked up. */
const member = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? `v.${key}` : `v[${JSON.stringify(key)}]`)
