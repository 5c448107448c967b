/** The arguments of a field, as a question gives them: literals, and variables by their values. */
import { malformed } from './graphql-query.ts'

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }
export type Arguments = Readonly<Record<string, Value>>

/** A text or a list of texts as a list; nothing if the argument is missing. @throws {Failure} */
export function textsOf(values: Arguments, name: string): readonly string[] | undefined {
  const value = values[name]
  if (value === undefined || value === null) return undefined
  const list: readonly Value[] = isList(value) ? value : [value]
  return list.map(text => {
    if (typeof text !== 'string') throw malformed(`${name} takes texts`)
    return text
  })
}

/** `tags: [{ name, values }]`. @throws {Failure} */
export function tagFiltersOf(values: Arguments): readonly { name: string; values: readonly string[] }[] {
  const value = values['tags']
  if (value === undefined || value === null) return []
  const list: readonly Value[] = isList(value) ? value : [value]
  return list.map(filter => {
    if (typeof filter !== 'object' || filter === null || isList(filter)) throw malformed('tags takes objects')
    const fields: Arguments = filter
    const name = fields['name']
    if (typeof name !== 'string') throw malformed('a tag needs a name')
    return { name, values: textsOf(fields, 'values') ?? textsOf(fields, 'value') ?? [] }
  })
}

/** An object, empty if the argument is missing. @throws {Failure} */
export function objectOf(values: Arguments, name: string): Arguments {
  const value = values[name]
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || isList(value)) throw malformed(`${name} takes an object`)
  return value
}

/** A number, or nothing if the argument is missing. @throws {Failure} */
export function numberOf(values: Arguments, name: string): number | undefined {
  const value = values[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(`${name} takes a number`)
  return value
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}
