import {
  type CandidFields,
  type CandidType,
  type CandidValue,
  candidLabel,
  Failure,
  fromUtf8,
  principalFromText,
  toUtf8,
} from '../../protocol/index.ts'

/** A value as it was written, with the type that its form tells. */
export type TypedCandid = readonly [type: CandidType, value: CandidValue]

const TOKEN =
  /\s+|\/\/[^\n]*|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|[(){};:,=]/gy
const NESTING_MAX = 64

/**
 * Reads arguments written as Candid's text: `(42, "text", record { a = 1 : nat8 })`. An integer without a type is a `nat`,
 * or an `int` if it is negative; both are taken where an `int` is expected. @throws {Failure} `usage`
 */
export function parseCandidText(text: string): TypedCandid[] {
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

  whole(): TypedCandid[] {
    const values = this.#peek() === '(' ? this.#list('(', ')', ',', () => this.#value(0)) : [this.#value(0)]
    if (this.#at < this.#tokens.length) throw this.#unexpected()
    return values
  }

  #value(depth: number): TypedCandid {
    if (depth > NESTING_MAX) throw new Failure('usage', {}, { note: 'nested too deep' })
    const bare = this.#bare(depth)
    if (this.#peek() !== ':') return bare
    this.#at += 1
    const type = this.#next()
    return cast(bare, type)
  }

  #bare(depth: number): TypedCandid {
    const token = this.#next()
    if (token.startsWith('"')) return ['text', fromUtf8(unescaped(token))]
    if (/^-?[0-9]/.test(token)) return numberOf(token)
    switch (token) {
      case 'true':
      case 'false':
        return ['bool', token === 'true']
      case 'null':
        return ['null', null]
      case 'opt': {
        const [type, value] = this.#value(depth + 1)
        return [{ opt: type }, { opt: value }]
      }
      case 'principal':
        return ['principal', { principal: principalFromText(fromUtf8(unescaped(this.#next()))) }]
      case 'blob':
        return [{ vec: 'nat8' }, unescaped(this.#next())]
      case 'vec':
        return vector(this.#list('{', '}', ';', () => this.#value(depth + 1)))
      case 'record':
        return this.#record(depth)
      case 'variant':
        return this.#variant(depth)
      default:
        this.#at -= 1
        throw this.#unexpected()
    }
  }

  #record(depth: number): TypedCandid {
    let position = 0
    const fields = this.#list('{', '}', ';', () => {
      const isNamed = this.#tokens[this.#at + 1] === '='
      const label = isNamed ? this.#label() : position
      position = label + 1
      return [label, ...this.#value(depth + 1)] as const
    }).sort(([a], [b]) => a - b)
    const types: CandidFields = fields.map(([label, type]) => [label, type])
    return [{ record: types }, { record: new Map(fields.map(([label, , value]) => [label, value])) }]
  }

  #variant(depth: number): TypedCandid {
    const [field] = this.#list('{', '}', ';', () => {
      const isGiven = this.#tokens[this.#at + 1] === '='
      const label = isGiven ? this.#label() : labelOf(this.#next())
      const [type, value]: TypedCandid = isGiven ? this.#value(depth + 1) : ['null', null]
      return { label, type, value }
    })
    if (field === undefined) throw this.#unexpected()
    return [{ variant: [[field.label, field.type]] }, { variant: [field.label, field.value] }]
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

function numberOf(token: string): TypedCandid {
  if (/[.eE]/.test(token)) return ['float64', Number(token.replaceAll('_', ''))]
  const value = BigInt(token.replaceAll('_', ''))
  return [value < 0n ? 'int' : 'nat', value]
}

/** A number as what its type says; the type of anything else is what it looks like. */
function cast([type, value]: TypedCandid, name: string): TypedCandid {
  if (/^(?:nat|int)(?:8|16|32|64)?$/.test(name) && typeof value === 'bigint') return [name as CandidType, value]
  if (/^float(?:32|64)$/.test(name) && (typeof value === 'bigint' || typeof value === 'number'))
    return [name as CandidType, Number(value)]
  if (name === type || name === 'reserved') return [name as CandidType, name === 'reserved' ? null : value]
  throw new Failure('usage', { type: name }, { note: 'the value is not of that type' })
}

function vector(values: readonly TypedCandid[]): TypedCandid {
  const [first] = values
  const type = first?.[0] ?? 'empty'
  if (type === 'nat8') return [{ vec: 'nat8' }, Uint8Array.from(values, ([, value]) => Number(value))]
  return [{ vec: type }, values.map(([, value]) => value)]
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
