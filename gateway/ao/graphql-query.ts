import { Failure, GRAPHQL_TOKENS_MAX } from '../../protocol/index.ts'

/**
 * Reads a GraphQL document: what is selected, under which names, with which arguments (literals, variables and their
 * defaults). AO's clients ask a handful of questions, so there is no engine.
 */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }
export type Arguments = Readonly<Record<string, Value>>

type Token = { readonly kind: 'name' | 'string' | 'number' | 'mark'; readonly text: string }

const TOKEN =
  /[\s,\uFEFF]+|#[^\n\r]*|("""[\s\S]*?"""|"(?:[^"\\\n\r]|\\.)*")|([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(\.\.\.|[{}()[\]:=!|&@$])/y

/** What is written between two braces. */
export type Selection = readonly (
  | WrittenField
  | { readonly kind: 'fragment'; readonly fragment: string }
  | { readonly kind: 'inline'; readonly inside: Selection }
)[]

export interface WrittenField {
  readonly kind: 'field'
  readonly field: string
  /** What the answer is called: the alias, or the field itself. */
  readonly name: string
  readonly values: Arguments
  /** Empty: all of it. */
  readonly inside: Selection
}

export type Fragments = ReadonlyMap<string, Selection>

/** What all operations of a document select, and the fragments that selections name. */
export interface Document {
  readonly selection: Selection
  readonly fragments: Fragments
}

/** @throws {Failure} */
export function readDocument(text: string, variables: Readonly<Record<string, unknown>>): Document {
  const reader = new Reader(tokenize(text), variables)
  reader.readDefaults()
  return reader.readDocument()
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
  #at = 0
  readonly #tokens: readonly Token[]
  readonly #variables: Readonly<Record<string, unknown>>
  readonly #defaults = new Map<string, Value>()

  constructor(tokens: readonly Token[], variables: Readonly<Record<string, unknown>>) {
    this.#tokens = tokens
    this.#variables = variables
  }

  #isMark(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'mark' && token.text === text
  }

  #isName(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'name' && token.text === text
  }

  /** Fragments may name variables before they are defined. */
  readDefaults(): void {
    for (this.#at = 0; this.#at < this.#tokens.length; ) {
      if (this.#isMark('$')) this.#variableDefinition()
      else this.#at++
    }
  }

  readDocument(): Document {
    const selection: Selection[number][] = []
    const fragments = new Map<string, Selection>()
    for (this.#at = 0; this.#at < this.#tokens.length; ) {
      if (this.#isName('fragment')) fragments.set(...this.#fragment())
      else if (this.#isMark('{')) selection.push(...this.#selection())
      else if (this.#isMark('@')) this.#directives()
      else if (this.#isMark('$')) this.#variableDefinition()
      else this.#at++
    }
    return { selection, fragments }
  }

  /** `fragment name on Type { … }` */
  #fragment(): [name: string, selection: Selection] {
    this.#at++
    const name = this.#take('name').text
    this.#type()
    return [name, this.#selection()]
  }

  #selection(): Selection {
    this.#expectMark('{')
    const selection: Selection[number][] = []
    while (!this.#isMark('}')) selection.push(this.#isMark('...') ? this.#spread() : this.#field())
    this.#at++
    return selection
  }

  /** `alias: field(arguments) { … }`, of which a field is enough. */
  #field(): WrittenField {
    const name = this.#take('name').text
    let field = name
    if (this.#isMark(':')) {
      this.#at++
      field = this.#take('name').text
    }
    const values = this.#isMark('(') ? this.#fields('(', ')') : {}
    this.#directives()
    return { kind: 'field', field, name, values, inside: this.#isMark('{') ? this.#selection() : [] }
  }

  /** `...name`, or `... on Type { … }` */
  #spread(): Selection[number] {
    this.#at++
    if (!this.#isName('on') && !this.#isMark('{') && !this.#isMark('@')) {
      const fragment = this.#take('name').text
      this.#directives()
      return { kind: 'fragment', fragment }
    }
    this.#type()
    return { kind: 'inline', inside: this.#selection() }
  }

  /** `on Type`: there is no other. */
  #type(): void {
    if (this.#isName('on')) {
      this.#at++
      this.#take('name')
    }
    this.#directives()
  }

  /** Directives are passed over. */
  #directives(): void {
    while (this.#isMark('@')) {
      this.#at++
      this.#take('name')
      if (this.#isMark('(')) this.#fields('(', ')')
    }
  }

  /** `$name: Type = default`: remembers the default. */
  #variableDefinition(): void {
    this.#at++
    const name = this.#take('name').text
    if (this.#isMark(':')) {
      this.#at++
      while (this.#isMark('[')) this.#at++
      this.#take('name')
      while (this.#isMark(']') || this.#isMark('!')) this.#at++
      if (this.#isMark('=')) {
        this.#at++
        this.#defaults.set(name, this.#value())
      }
    }
  }

  /** `name: value` pairs between two marks. */
  #fields(open: string, close: string): Record<string, Value> {
    this.#expectMark(open)
    const values: Record<string, Value> = Object.create(null)
    while (!this.#isMark(close)) {
      const name = this.#take('name').text
      this.#expectMark(':')
      values[name] = this.#value()
    }
    this.#at++
    return values
  }

  #value(): Value {
    if (this.#isMark('{')) return this.#fields('{', '}')
    if (this.#isMark('[')) return this.#list()
    if (this.#isMark('$')) {
      this.#at++
      return this.#variable(this.#take('name').text)
    }
    const token = this.#tokens[this.#at++]
    if (token === undefined || token.kind === 'mark') throw malformed('a value is missing')
    if (token.kind === 'number') return Number(token.text)
    if (token.kind === 'string') return token.text
    return token.text === 'null' ? null : token.text === 'true' ? true : token.text === 'false' ? false : token.text
  }

  #list(): Value[] {
    this.#expectMark('[')
    const values: Value[] = []
    while (!this.#isMark(']')) values.push(this.#value())
    this.#at++
    return values
  }

  #variable(name: string): Value {
    const value = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined
    return value === undefined ? (this.#defaults.get(name) ?? null) : (value as Value)
  }

  #take(kind: Token['kind']): Token {
    const token = this.#tokens[this.#at++]
    if (token?.kind !== kind) throw malformed(`expected a ${kind}, got ${token?.text ?? 'the end'}`)
    return token
  }

  #expectMark(text: string): void {
    if (!this.#isMark(text)) throw malformed(`expected ${text}, got ${this.#tokens[this.#at]?.text ?? 'the end'}`)
    this.#at++
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

export function malformed(what: string): Failure {
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
