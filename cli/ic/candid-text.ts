import {
  type CandidType,
  type CandidValue,
  candidLabel,
  Failure,
  fromUtf8,
  principalFromText,
  toUtf8,
} from '../../protocol/index.ts'

/** A value as it was written. Of `plain` its form tells the type, or a `: type` behind it does. */
export type CandidLiteral =
  | { readonly kind: 'plain'; readonly type: CandidType; readonly value: CandidValue; readonly isTyped?: boolean }
  | { readonly kind: 'opt'; readonly of: CandidLiteral }
  | { readonly kind: 'vec'; readonly items: readonly CandidLiteral[] }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [label: number, of: CandidLiteral])[] }
  | { readonly kind: 'variant'; readonly label: number; readonly of: CandidLiteral }

const TOKEN =
  /\s+|\/\/[^\n]*|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|[(){};:,=]/gy
const NESTING_MAX = 64

/** Reads arguments written as Candid's text: `(42, "text", record { a = 1 : nat8 })`. @throws {Failure} `usage` */
export function parseCandidText(text: string): CandidLiteral[] {
  const reader = new Reader(text)
  return reader.whole()
}

class Reader {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    const tokens: string[] = []
    TOKEN.lastIndex = 0
    for (let end = 0; end < text.length; end = TOKEN.lastIndex) {
      const token = TOKEN.exec(text)?.[0]
      if (token === undefined)
        throw new Failure('usage', { at: end, near: text.slice(end, end + 12) }, { note: 'that is no Candid' })
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
    if (depth > NESTING_MAX) throw new Failure('usage', {}, { note: 'nested too deep' })
    const bare = this.#bare(depth)
    if (this.#peek() !== ':') return bare
    this.#at += 1
    return cast(bare, this.#next())
  }

  #bare(depth: number): CandidLiteral {
    const token = this.#next()
    if (token.startsWith('"')) return plain('text', fromUtf8(unescaped(token)))
    if (/^-?[0-9]/.test(token)) return numberOf(token)
    switch (token) {
      case 'true':
      case 'false':
        return plain('bool', token === 'true')
      case 'null':
        return plain('null', null)
      case 'opt':
        return { kind: 'opt', of: this.#value(depth + 1) }
      case 'principal':
        return plain('principal', { principal: principalFromText(fromUtf8(unescaped(this.#next()))) })
      case 'blob':
        return plain({ vec: 'nat8' }, unescaped(this.#next()))
      case 'vec':
        return { kind: 'vec', items: this.#list('{', '}', ';', () => this.#value(depth + 1)) }
      case 'record':
        return this.#record(depth)
      case 'variant':
        return this.#variant(depth)
      default:
        this.#at -= 1
        throw this.#unexpected()
    }
  }

  #record(depth: number): CandidLiteral {
    let position = 0
    const fields = this.#list('{', '}', ';', () => {
      const isNamed = this.#tokens[this.#at + 1] === '='
      const label = isNamed ? this.#label() : position
      position = label + 1
      return [label, this.#value(depth + 1)] as const
    })
    return { kind: 'record', fields: fields.sort(([a], [b]) => a - b) }
  }

  #variant(depth: number): CandidLiteral {
    const [field] = this.#list('{', '}', ';', () => {
      const isGiven = this.#tokens[this.#at + 1] === '='
      const label = isGiven ? this.#label() : labelOf(this.#next())
      return { label, of: isGiven ? this.#value(depth + 1) : plain('null', null) }
    })
    if (field === undefined) throw this.#unexpected()
    return { kind: 'variant', ...field }
  }

  #label(): number {
    const label = labelOf(this.#next())
    this.#at += 1
    return label
  }

  #list<T>(open: string, close: string, separator: string, read: () => T): T[] {
    if (this.#next() !== open) {
      this.#at -= 1
      throw this.#unexpected()
    }
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
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw this.#unexpected()
    return token
  }

  #unexpected(): Failure {
    return new Failure('usage', { token: this.#peek() ?? 'the end' }, { note: 'that is no Candid' })
  }
}

const plain = (type: CandidType, value: CandidValue): CandidLiteral => ({ kind: 'plain', type, value })

function numberOf(token: string): CandidLiteral {
  if (/[.eE]/.test(token)) return plain('float64', Number(token.replaceAll('_', '')))
  const value = BigInt(token.replaceAll('_', ''))
  return plain(value < 0n ? 'int' : 'nat', value)
}

/** A number as what its type says; the type of anything else is what it looks like. */
function cast(literal: CandidLiteral, name: string): CandidLiteral {
  const { type, value } = literal.kind === 'plain' ? literal : {}
  const typed = { kind: 'plain', type: name as CandidType, isTyped: true } as const
  if (/^(?:nat|int)(?:8|16|32|64)?$/.test(name) && typeof value === 'bigint') return { ...typed, value }
  if (/^float(?:32|64)$/.test(name) && (typeof value === 'bigint' || typeof value === 'number'))
    return { ...typed, value: Number(value) }
  if (name === 'reserved') return { ...typed, value: null }
  if (name === type) return literal
  throw new Failure('usage', { type: name }, { note: 'the value is not of that type' })
}

function labelOf(token: string): number {
  return /^[0-9]+$/.test(token)
    ? Number(token)
    : candidLabel(token.startsWith('"') ? fromUtf8(unescaped(token)) : token)
}

/** The bytes of a literal: `\n`, `\"`, `\41` (a byte in hexadecimal), `\u{1f600}`. */
function unescaped(literal: string): Uint8Array {
  const bytes: number[] = []
  for (const [part] of literal.slice(1, -1).matchAll(/\\u\{[0-9a-fA-F]+\}|\\[0-9a-fA-F]{2}|\\.|[^\\]+/gs)) {
    if (part.startsWith('\\u{')) bytes.push(...toUtf8(String.fromCodePoint(Number.parseInt(part.slice(3, -1), 16))))
    else if (/^\\[0-9a-fA-F]{2}$/.test(part)) bytes.push(Number.parseInt(part.slice(1), 16))
    else if (part.startsWith('\\')) bytes.push(...toUtf8({ n: '\n', r: '\r', t: '\t' }[part.slice(1)] ?? part.slice(1)))
    else bytes.push(...toUtf8(part))
  }
  return Uint8Array.from(bytes)
}
