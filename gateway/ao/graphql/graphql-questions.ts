import { isDeepStrictEqual } from 'node:util'
import { GRAPHQL_DEPTH_MAX, GRAPHQL_FIELDS_MAX, GRAPHQL_QUESTIONS_MAX } from '../../../protocol/index.ts'
import type { Arguments, Value } from './graphql-arguments.ts'
import {
  type Directive,
  type Document,
  type Fragments,
  malformed,
  type Operation,
  readDocument,
  type Selection,
  Variable,
  type Written,
  type WrittenField,
  type WrittenFields,
} from './graphql-query.ts'

/** What a client sends. */
export interface QuestionText {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
  /** Which of several operations is meant. */
  readonly operationName: string | undefined
}

/** A field that is asked for, once under its name, with what is asked for inside of it. */
export interface Question<Field extends string = string> {
  readonly field: Field
  readonly name: string
  readonly values: Arguments
  /** Empty: all of it. */
  readonly inside: readonly Question[]
}

/** Those of `fields` that a document asks for at its top level. @throws {Failure} */
export function readQuestions<Field extends string>(
  { query, variables, operationName }: QuestionText,
  fields: readonly Field[],
): readonly Question<Field>[] {
  const { operations, fragments } = readDocument(query)
  const operation = chosen(operations, operationName)
  if (operation === undefined) return []
  const given = { ...Object.fromEntries(operation.defaults), ...variables }
  const expansion = new Expansion(fragments, new Map(Object.entries(given)))
  const asked = expansion.fieldsOf(operation.selection).flatMap(asking => {
    const field = fields.find(each => each === asking.field)
    return field === undefined ? [] : { ...asking, field }
  })
  if (asked.length > GRAPHQL_QUESTIONS_MAX) throw malformed(`at most ${GRAPHQL_QUESTIONS_MAX} questions`)
  return asked.map(asking => ({ ...expansion.expand(asking), field: asking.field }))
}

function chosen(operations: Document['operations'], name: string | undefined): Operation | undefined {
  if (name === undefined && operations.length > 1) throw malformed('of several operations operationName names one')
  const operation = operations.find(each => name === undefined || each.name === name)
  if (operation === undefined && name !== undefined) throw malformed(`no operation ${name}`)
  return operation
}

/** A field whose variables have their values. */
interface AskedField {
  readonly field: string
  readonly name: string
  readonly written: WrittenFields
  readonly values: Arguments
  readonly inside: Selection
}

/**
 * Puts fragments where they are named, values in place of variables, and leaves out what directives exclude. All that comes of it
 * counts, for a few fragments that name each other make millions.
 */
class Expansion {
  readonly #fragments: Fragments
  readonly #variables: ReadonlyMap<string, unknown>
  /** Fragments are named again and again: their arguments are the same objects each time. */
  readonly #values = new Map<WrittenFields, Arguments>()
  #count = 0

  constructor(fragments: Fragments, variables: ReadonlyMap<string, unknown>) {
    this.#fragments = fragments
    this.#variables = variables
  }

  expand({ field, name, values, inside }: AskedField, depth = 1): Question {
    if (depth > GRAPHQL_DEPTH_MAX) throw malformed(`at most ${GRAPHQL_DEPTH_MAX} deep`)
    return { field, name, values, inside: this.fieldsOf(inside).map(each => this.expand(each, depth + 1)) }
  }

  /**
   * The fields of a selection and of its fragments; those of one name are one, with what is selected inside of each. They are the same if
   * they are written alike, as GraphQL has it: to compare the values of long variables again and again took more than half a second.
   */
  fieldsOf(selection: Selection): AskedField[] {
    const fields = new Map<string, AskedField & { readonly inside: Selection[number][] }>()
    for (const { field, name, values: written, inside } of this.#spread(selection)) {
      const same = fields.get(name)
      if (same === undefined)
        fields.set(name, { field, name, written, values: this.#given(written), inside: [...inside] })
      else if (same.field === field && isDeepStrictEqual(same.written, written)) same.inside.push(...inside)
      else throw malformed(`${name} is asked for twice, and differs`)
    }
    return [...fields.values()]
  }

  *#spread(selection: Selection): Generator<WrittenField> {
    for (const written of selection) {
      if (++this.#count > GRAPHQL_FIELDS_MAX) throw malformed(`at most ${GRAPHQL_FIELDS_MAX} fields and fragments`)
      if (!this.#isIncluded(written.directives)) continue
      if (written.kind === 'field') yield written
      else yield* this.#spread(written.kind === 'inline' ? written.inside : this.#fragment(written.fragment))
    }
  }

  /** `@include(if:)` and `@skip(if:)`; others are passed over. */
  #isIncluded(directives: readonly Directive[]): boolean {
    return directives.every(({ name, values }) => {
      if (name !== 'include' && name !== 'skip') return true
      const wanted = this.#given(values)['if']
      if (typeof wanted !== 'boolean') throw malformed(`@${name} takes true or false`)
      return wanted === (name === 'include')
    })
  }

  #given(written: WrittenFields): Arguments {
    const known = this.#values.get(written)
    if (known !== undefined) return known
    const values = Object.fromEntries(Object.entries(written).map(([name, value]) => [name, this.#valueOf(value)]))
    this.#values.set(written, values)
    return values
  }

  #valueOf(written: Written): Value {
    if (written instanceof Variable) return (this.#variables.get(written.name) ?? null) as Value
    if (Array.isArray(written)) return written.map(each => this.#valueOf(each))
    return typeof written === 'object' && written !== null ? this.#given(written as WrittenFields) : written
  }

  #fragment(name: string): Selection {
    const fragment = this.#fragments.get(name)
    if (fragment === undefined) throw malformed(`no fragment ${name}`)
    return fragment
  }
}
