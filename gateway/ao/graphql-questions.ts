import { isDeepStrictEqual } from 'node:util'
import { GRAPHQL_DEPTH_MAX, GRAPHQL_FIELDS_MAX, GRAPHQL_QUESTIONS_MAX } from '../../protocol/index.ts'
import {
  type Arguments,
  type Fragments,
  malformed,
  readDocument,
  type Selection,
  type WrittenField,
} from './graphql-query.ts'

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
  document: string,
  fields: readonly Field[],
  variables: Readonly<Record<string, unknown>>,
): readonly Question<Field>[] {
  const { selection, fragments } = readDocument(document, variables)
  const expansion = new Expansion(fragments)
  const asked = expansion.fieldsOf(selection).flatMap(written => {
    const field = fields.find(each => each === written.field)
    return field === undefined ? [] : { ...written, field }
  })
  if (asked.length > GRAPHQL_QUESTIONS_MAX) throw malformed(`at most ${GRAPHQL_QUESTIONS_MAX} questions`)
  return asked.map(written => ({ ...expansion.expand(written), field: written.field }))
}

/** Puts fragments where they are named. All that comes of it counts, for a few fragments that name each other make millions. */
class Expansion {
  readonly #fragments: Fragments
  #count = 0

  constructor(fragments: Fragments) {
    this.#fragments = fragments
  }

  expand({ field, name, values, inside }: WrittenField, depth = 1): Question {
    if (depth > GRAPHQL_DEPTH_MAX) throw malformed(`at most ${GRAPHQL_DEPTH_MAX} deep`)
    return { field, name, values, inside: this.fieldsOf(inside).map(each => this.expand(each, depth + 1)) }
  }

  /** The fields of a selection and of its fragments; those of one name are one, with what is selected inside of each. */
  fieldsOf(selection: Selection): WrittenField[] {
    const fields = new Map<string, WrittenField & { readonly inside: Selection[number][] }>()
    for (const written of this.#spread(selection)) {
      const same = fields.get(written.name)
      if (same === undefined) fields.set(written.name, { ...written, inside: [...written.inside] })
      else if (same.field === written.field && isDeepStrictEqual(same.values, written.values))
        same.inside.push(...written.inside)
      else throw malformed(`${written.name} is asked for twice, and differs`)
    }
    return [...fields.values()]
  }

  *#spread(selection: Selection): Generator<WrittenField> {
    for (const written of selection) {
      if (++this.#count > GRAPHQL_FIELDS_MAX) throw malformed(`at most ${GRAPHQL_FIELDS_MAX} fields and fragments`)
      if (written.kind === 'field') yield written
      else yield* this.#spread(written.kind === 'inline' ? written.inside : this.#fragment(written.fragment))
    }
  }

  #fragment(name: string): Selection {
    const fragment = this.#fragments.get(name)
    if (fragment === undefined) throw malformed(`no fragment ${name}`)
    return fragment
  }
}
