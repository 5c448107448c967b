import { Failure, GRAPHQL_QUESTIONS_MAX, GRAPHQL_SELECTED_MAX, GRAPHQL_TOKENS_MAX } from '../../protocol/index.ts'
import type { Fragments, Selected, Selection } from './graphql-selection.ts'

/**
 * Reads out of a GraphQL document what is asked for, under which name, with which arguments (literals, variables and
 * their defaults), and what is selected of it. AO's clients ask a handful of questions, so there is no engine.
 */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }
export type Arguments = Readonly<Record<string, Value>>

type Token = { readonly kind: 'name' | 'string' | 'number' | 'mark'; readonly text: string }

const TOKEN =
  /[\s,\uFEFF]+|#[^\n\r]*|("""[\s\S]*?"""|"(?:[^"\\\n\r]|\\.)*")|([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(\.\.\.|[{}()[\]:=!|&@$])/y

/** One field that is asked for. */
export interface Question<Field extends string> {
  readonly field: Field
  /** What the answer is called: the alias, or the field itself. */
  readonly name: string
  readonly values: Arguments
  /** Nothing: all of it. */
  readonly selection: Selection | undefined
}

/** What a document asks, and the fragments that its selections name. */
export interface Questions<Field extends string> {
  readonly asked: readonly Question<Field>[]
  readonly fragments: Fragments
}

/** Those of `fields` that a document asks for at its top level, with their arguments. @throws {Failure} */
export function readQuestions<Field extends string>(
  document: string,
  fields: readonly Field[],
  variables: Readonly<Record<string, unknown>>,
): Questions<Field> {
  const tokens = tokenize(document)
  const reader = new Reader(tokens, variables)
  const asked: Question<Field>[] = []
  const fragments = new Map<string, Selection>()
  let depth = 0
  while (reader.at < tokens.length) {
    if (depth === 1 && tokens[reader.at]?.kind === 'name') {
      const { field, ...question } = reader.question()
      const known = fields.find(each => each === field)
      if (known === undefined) continue
      asked.push({ field: known, ...question })
      if (asked.length > GRAPHQL_QUESTIONS_MAX) throw malformed(`at most ${GRAPHQL_QUESTIONS_MAX} fields`)
      continue
    }
    if (depth === 0 && reader.isName('fragment')) {
      const { name, selection } = reader.fragment()
      fragments.set(name, selection)
      continue
    }
    if (reader.isMark('{')) depth++
    else if (reader.isMark('}')) depth--
    else if (depth === 0 && reader.isMark('$')) reader.variableDefinition()
    reader.at++
  }
  return { asked, fragments }
}

function tokenize(document: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < document.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(document)
    if (match === null || tokens.length >= GRAPHQL_TOKENS_MAX) throw malformed(`at character ${at}`)
    const [, string, name, number, mark] = match
    if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string) })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark })
  }
  return tokens
}

/** Recursion is bounded by the number of tokens. */
class Reader {
  at = 0
  #selected = 0
  readonly #tokens: readonly Token[]
  readonly #variables: Readonly<Record<string, unknown>>
  readonly #defaults = new Map<string, Value>()

  constructor(tokens: readonly Token[], variables: Readonly<Record<string, unknown>>) {
    this.#tokens = tokens
    this.#variables = variables
  }

  isMark(text: string): boolean {
    const token = this.#tokens[this.at]
    return token?.kind === 'mark' && token.text === text
  }

  isName(text: string): boolean {
    const token = this.#tokens[this.at]
    return token?.kind === 'name' && token.text === text
  }

  /** `alias: field(arguments) { … }`, of which a field is enough. */
  question(): Omit<Question<string>, 'field'> & { readonly field: string } {
    const name = this.#take('name').text
    let field = name
    if (this.isMark(':')) {
      this.at++
      field = this.#take('name').text
    }
    const values = this.isMark('(') ? this.fields('(', ')') : {}
    this.#directives()
    return { field, name, values, selection: this.isMark('{') ? this.#selection() : undefined }
  }

  /** `fragment name on Type { … }` */
  fragment(): { readonly name: string; readonly selection: Selection } {
    this.at++
    const name = this.#take('name').text
    this.#type()
    return { name, selection: this.#selection() }
  }

  #selection(): Selection {
    this.#expectMark('{')
    const selection: Selected[] = []
    while (!this.isMark('}')) {
      if (this.#selected++ >= GRAPHQL_SELECTED_MAX) throw malformed(`at most ${GRAPHQL_SELECTED_MAX} selected fields`)
      selection.push(this.isMark('...') ? this.#spread() : this.#field())
    }
    this.at++
    return selection
  }

  #field(): Selected {
    const { field, name, selection } = this.question()
    return { kind: 'field', field, name, inside: selection }
  }

  /** `...name`, or `... on Type { … }` */
  #spread(): Selected {
    this.at++
    if (!this.isName('on') && !this.isMark('{') && !this.isMark('@')) {
      const fragment = this.#take('name').text
      this.#directives()
      return { kind: 'fragment', fragment }
    }
    this.#type()
    return { kind: 'inline', inside: this.#selection() }
  }

  /** `on Type`: there is no other. */
  #type(): void {
    if (this.isName('on')) {
      this.at++
      this.#take('name')
    }
    this.#directives()
  }

  /** Directives are passed over. */
  #directives(): void {
    while (this.isMark('@')) {
      this.at++
      this.#take('name')
      if (this.isMark('(')) this.fields('(', ')')
    }
  }

  /** `$name: Type = default`: remembers the default; stands on its last token then. */
  variableDefinition(): void {
    this.at++
    const name = this.#take('name').text
    if (this.isMark(':')) {
      this.at++
      while (this.isMark('[')) this.at++
      this.#take('name')
      while (this.isMark(']') || this.isMark('!')) this.at++
      if (this.isMark('=')) {
        this.at++
        this.#defaults.set(name, this.value())
      }
    }
    this.at--
  }

  /** `name: value` pairs between two marks. */
  fields(open: string, close: string): Record<string, Value> {
    this.#expectMark(open)
    const values: Record<string, Value> = Object.create(null)
    while (!this.isMark(close)) {
      const name = this.#take('name').text
      this.#expectMark(':')
      values[name] = this.value()
    }
    this.at++
    return values
  }

  value(): Value {
    if (this.isMark('{')) return this.fields('{', '}')
    if (this.isMark('[')) return this.#list()
    if (this.isMark('$')) {
      this.at++
      return this.#variable(this.#take('name').text)
    }
    const token = this.#tokens[this.at++]
    if (token === undefined || token.kind === 'mark') throw malformed('a value is missing')
    if (token.kind === 'number') return Number(token.text)
    if (token.kind === 'string') return token.text
    return token.text === 'null' ? null : token.text === 'true' ? true : token.text === 'false' ? false : token.text
  }

  #list(): Value[] {
    this.#expectMark('[')
    const values: Value[] = []
    while (!this.isMark(']')) values.push(this.value())
    this.at++
    return values
  }

  #variable(name: string): Value {
    const value = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined
    return value === undefined ? (this.#defaults.get(name) ?? null) : (value as Value)
  }

  #take(kind: Token['kind']): Token {
    const token = this.#tokens[this.at++]
    if (token?.kind !== kind) throw malformed(`expected a ${kind}, got ${token?.text ?? 'the end'}`)
    return token
  }

  #expectMark(text: string): void {
    if (!this.isMark(text)) throw malformed(`expected ${text}, got ${this.#tokens[this.at]?.text ?? 'the end'}`)
    this.at++
  }
}

function unquote(text: string): string {
  if (text.startsWith('"""')) return text.slice(3, -3)
  try {
    return String(JSON.parse(text))
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'GraphQL: a string is not well-formed' })
  }
}

function malformed(what: string): Failure {
  return new Failure('malformed-request', {}, { note: `GraphQL: ${what.slice(0, 100)}` })
}

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
