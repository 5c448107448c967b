import {
  type CandidPrimitive,
  candidLabel,
  type CandidValue,
  type DidType,
  Failure,
  fromUtf8,
  MalformedBytes,
  parseDid,
  principalFromText,
  unescapedCandid,
} from '../../protocol/index.ts'

/** A value as it was written. Of `plain` its form tells the type; `typed` is one with a `: type` behind it. */
export type CandidLiteral =
  | { readonly kind: 'plain'; readonly type: CandidPrimitive; readonly value: CandidValue }
  | { readonly kind: 'blob'; readonly bytes: Uint8Array }
  | { readonly kind: 'opt'; readonly of: CandidLiteral }
  | { readonly kind: 'vec'; readonly items: readonly CandidLiteral[] }
  | { readonly kind: 'record'; readonly fields: readonly LiteralField[] }
  | { readonly kind: 'variant'; readonly field: LiteralField }
  | { readonly kind: 'typed'; readonly type: DidType; readonly of: CandidLiteral }

type LiteralField = readonly [label: number, of: CandidLiteral]

const TOKEN =
  /\s+|\/\/[^\n]*|"(?:[^"\\]+|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[-+]?0x[0-9a-fA-F][0-9a-fA-F_]*|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|->|[(){};:,=]/gy
const INTEGER = /^([-+]?)(0x[0-9a-fA-F_]+|[0-9_]+)$/
const LABEL_MAX = 0xffff_ffff
const NESTING_MAX = 64

/** Reads arguments written as Candid's text: `(42, "text", record { a = 1 : nat8 })`. @throws {Failure} `usage` */
export function parseCandidText(text: string): CandidLiteral[] {
  try {
    return new Reader(text).whole()
  } catch (error) {
    if (error instanceof MalformedBytes) throw noCandid({ problem: error.what })
    throw error
  }
}

class Reader {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    const tokens: string[] = []
    TOKEN.lastIndex = 0
    for (let end = 0; end < text.length; end = TOKEN.lastIndex) {
      const token = TOKEN.exec(text)?.[0]
      if (token === undefined) throw noCandid({ at: end, near: text.slice(end, end + 12) })
      if (!/^(?:\s|\/\/)/.test(token)) tokens.push(token)
    }
    this.#tokens = tokens
  }

  whole(): CandidLiteral[] {
    const values = this.#peek() === '(' ? this.#list('(', ')', ',', () => this.#value(0)) : [this.#value(0)]
    if (this.#at < this.#tokens.length) throw this.#unexpected()
    return values
  }

  #value(depth: number): CandidLiteral {
    if (depth > NESTING_MAX) throw noCandid({ problem: 'nested too deep' })
    const bare = this.#bare(depth)
    if (this.#peek() !== ':') return bare
    this.#at += 1
    return { kind: 'typed', type: this.#type(), of: bare }
  }

  #bare(depth: number): CandidLiteral {
    const token = this.#next()
    if (/^[-+]?[0-9]/.test(token)) return numberOf(token)
    switch (token) {
      case 'true':
      case 'false':
        return plain('bool', token === 'true')
      case 'null':
        return plain('null', null)
      case 'opt':
        return { kind: 'opt', of: this.#value(depth + 1) }
      case 'principal':
        return plain('principal', { principal: principalFromText(fromUtf8(this.#quoted())) })
      case 'blob':
        return { kind: 'blob', bytes: this.#quoted() }
      case 'vec':
        return { kind: 'vec', items: this.#list('{', '}', ';', () => this.#value(depth + 1)) }
      case 'record':
        return this.#record(depth)
      case 'variant':
        return this.#variant(depth)
      case '(':
        return this.#inParentheses(depth)
      default:
        this.#at -= 1
        return plain('text', fromUtf8(this.#quoted()))
    }
  }

  #inParentheses(depth: number): CandidLiteral {
    const value = this.#value(depth + 1)
    if (this.#next() !== ')') throw this.#unexpected(1)
    return value
  }

  /** Up to what ends a value; read as an interface is. */
  #type(): DidType {
    const from = this.#at
    let depth = 0
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (depth === 0 && /^[)};:,=]$/.test(token)) break
      if (/^[({]$/.test(token)) depth += 1
      if (/^[)}]$/.test(token)) depth -= 1
      this.#at += 1
    }
    const written = this.#tokens.slice(from, this.#at).join(' ')
    const [type] = parseDid(`service : (${written}) -> {}`).init
    if (type === undefined) throw this.#unexpected()
    return type
  }

  #record(depth: number): CandidLiteral {
    let position = 0
    const fields = this.#list('{', '}', ';', () => {
      const isNamed = this.#tokens[this.#at + 1] === '='
      const label = isNamed ? this.#label() : position
      if (isNamed) this.#at += 1
      if (label > LABEL_MAX) throw this.#unexpected(1)
      position = label + 1
      return [label, this.#value(depth + 1)] as const
    })
    if (new Set(fields.map(([label]) => label)).size < fields.length) throw noCandid({ problem: 'a field twice' })
    return { kind: 'record', fields: fields.sort(([a], [b]) => a - b) }
  }

  #variant(depth: number): CandidLiteral {
    const [field, ...more] = this.#list('{', '}', ';', () => {
      const label = this.#label()
      if (this.#peek() !== '=') return [label, plain('null', null)] as const
      this.#at += 1
      return [label, this.#value(depth + 1)] as const
    })
    if (field === undefined || more.length > 0) throw noCandid({ problem: 'a variant is of one case' })
    return { kind: 'variant', field }
  }

  #label(): number {
    const token = this.#next()
    if (/^[A-Za-z_]/.test(token)) return candidLabel(token)
    this.#at -= 1
    if (!/^[0-9]/.test(token)) return candidLabel(fromUtf8(this.#quoted()))
    const label = integerOf(token)
    if (label === undefined || label > BigInt(LABEL_MAX)) throw this.#unexpected()
    this.#at += 1
    return Number(label)
  }

  #quoted(): Uint8Array {
    const token = this.#next()
    if (token.startsWith('"')) return unescapedCandid(token)
    throw this.#unexpected(1)
  }

  #list<T>(open: string, close: string, separator: string, read: () => T): T[] {
    if (this.#next() !== open) throw this.#unexpected(1)
    const list: T[] = []
    while (this.#peek() !== close) {
      list.push(read())
      if (this.#peek() === separator) this.#at += 1
      else if (this.#peek() !== close) throw this.#unexpected()
    }
    this.#at += 1
    return list
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]
  }

  #next(): string {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw this.#unexpected()
    this.#at += 1
    return token
  }

  #unexpected(back = 0): Failure {
    return noCandid({ token: this.#tokens[this.#at - back] ?? 'the end' })
  }
}

const noCandid = (details: Readonly<Record<string, string | number>>): Failure =>
  new Failure('usage', details, { note: 'that is no Candid' })

const plain = (type: CandidPrimitive, value: CandidValue): CandidLiteral => ({ kind: 'plain', type, value })

function numberOf(token: string): CandidLiteral {
  const value = integerOf(token)
  if (value === undefined) return plain('float64', Number(token.replaceAll('_', '')))
  return plain(value < 0n ? 'int' : 'nat', value)
}

/** Nothing, if it is a number with a fraction. */
function integerOf(token: string): bigint | undefined {
  const [, sign, digits = ''] = INTEGER.exec(token) ?? []
  if (sign === undefined) return undefined
  const value = BigInt(digits.replaceAll('_', ''))
  return sign === '-' ? -value : value
}
