import { Failure, GRAPHQL_TOKENS_MAX } from '../../../protocol/index.ts'

/** A value as it stands in a document. */
export type Written = string | number | boolean | null | Variable | readonly Written[] | WrittenFields
export type WrittenFields = { readonly [name: string]: Written }

/** `$name`, whose value comes with the document. */
export class Variable {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

type Token = { readonly kind: 'name' | 'string' | 'number' | 'mark'; readonly text: string }

const TOKEN =
  /[\s,\uFEFF]+|#[^\n\r]*|("""[\s\S]*?"""|"(?:[^"\\\n\r]|\\.)*")|([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(\.\.\.|[{}()[\]:=!|&@$])/y

/** What is written between two braces. */
export type Selection = readonly (
  | WrittenField
  | { readonly kind: 'fragment'; readonly fragment: string; readonly directives: readonly Directive[] }
  | { readonly kind: 'inline'; readonly inside: Selection; readonly directives: readonly Directive[] }
)[]

export interface WrittenField {
  readonly kind: 'field'
  readonly field: string
  /** What the answer is called: the alias, or the field itself. */
  readonly name: string
  readonly values: WrittenFields
  readonly directives: readonly Directive[]
  /** Empty: all of it. */
  readonly inside: Selection
}

/** `@name(values)` */
export interface Directive {
  readonly name: string
  readonly values: WrittenFields
}

export interface Operation {
  readonly name: string | undefined
  /** Of its variables. */
  readonly defaults: ReadonlyMap<string, Written>
  readonly selection: Selection
}

export type Fragments = ReadonlyMap<string, Selection>

export interface Document {
  readonly operations: readonly Operation[]
  readonly fragments: Fragments
}

/** Takes a GraphQL document apart. AO's clients ask a handful of questions, so there is no engine. @throws {Failure} */
export function readDocument(text: string): Document {
  return new Reader(tokenize(text)).document()
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

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  document(): Document {
    const operations: Operation[] = []
    const fragments = new Map<string, Selection>()
    while (this.#at < this.#tokens.length) {
      if (this.#isName('fragment')) fragments.set(...this.#fragment())
      else operations.push(this.#operation())
    }
    return { operations, fragments }
  }

  #isMark(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'mark' && token.text === text
  }

  #isName(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'name' && token.text === text
  }

  /** `query Name($variable: Type = default) { … }`, of which the braces are enough. */
  #operation(): Operation {
    const isShort = this.#isMark('{')
    if (!isShort && !this.#isName('query')) throw malformed('only queries are answered')
    if (!isShort) this.#at++
    const name = this.#tokens[this.#at]?.kind === 'name' ? this.#take('name').text : undefined
    const defaults = this.#isMark('(') ? this.#variableDefinitions() : new Map<string, Written>()
    this.#directives()
    return { name, defaults, selection: this.#selection() }
  }

  /** `fragment name on Type { … }` */
  #fragment(): [name: string, selection: Selection] {
    this.#at++
    const name = this.#take('name').text
    this.#type()
    this.#directives()
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
    const directives = this.#directives()
    return { kind: 'field', field, name, values, directives, inside: this.#isMark('{') ? this.#selection() : [] }
  }

  /** `...name`, or `... on Type { … }` */
  #spread(): Selection[number] {
    this.#at++
    if (!this.#isName('on') && !this.#isMark('{') && !this.#isMark('@')) {
      const fragment = this.#take('name').text
      return { kind: 'fragment', fragment, directives: this.#directives() }
    }
    this.#type()
    const directives = this.#directives()
    return { kind: 'inline', directives, inside: this.#selection() }
  }

  /** `on Type`: there is no other. */
  #type(): void {
    if (!this.#isName('on')) return
    this.#at++
    this.#take('name')
  }

  #directives(): Directive[] {
    const directives: Directive[] = []
    while (this.#isMark('@')) {
      this.#at++
      const { text: name } = this.#take('name')
      directives.push({ name, values: this.#isMark('(') ? this.#fields('(', ')') : {} })
    }
    return directives
  }

  /** `($name: Type = default)`: remembers the defaults. */
  #variableDefinitions(): ReadonlyMap<string, Written> {
    const defaults = new Map<string, Written>()
    this.#expectMark('(')
    while (!this.#isMark(')')) {
      this.#expectMark('$')
      const { text: name } = this.#take('name')
      this.#expectMark(':')
      while (this.#isMark('[')) this.#at++
      this.#take('name')
      while (this.#isMark(']') || this.#isMark('!')) this.#at++
      if (this.#isMark('=')) {
        this.#at++
        defaults.set(name, this.#value())
      }
      this.#directives()
    }
    this.#at++
    return defaults
  }

  /** `name: value` pairs between two marks. */
  #fields(open: string, close: string): WrittenFields {
    this.#expectMark(open)
    const values: Record<string, Written> = Object.create(null)
    while (!this.#isMark(close)) {
      const name = this.#take('name').text
      this.#expectMark(':')
      values[name] = this.#value()
    }
    this.#at++
    return values
  }

  #value(): Written {
    if (this.#isMark('{')) return this.#fields('{', '}')
    if (this.#isMark('[')) return this.#list()
    if (this.#isMark('$')) {
      this.#at++
      return new Variable(this.#take('name').text)
    }
    const token = this.#tokens[this.#at++]
    if (token === undefined || token.kind === 'mark') throw malformed('a value is missing')
    if (token.kind === 'number') return Number(token.text)
    if (token.kind === 'string') return token.text
    return token.text === 'null' ? null : token.text === 'true' ? true : token.text === 'false' ? false : token.text
  }

  #list(): Written[] {
    this.#expectMark('[')
    const values: Written[] = []
    while (!this.#isMark(']')) values.push(this.#value())
    this.#at++
    return values
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
