import { fromUtf8, MalformedBytes } from '../codec/bytes.ts'
import { unescapedCandid } from './candid-escapes.ts'
import { CANDID_PRIMITIVES, type CandidPrimitive, candidLabel } from './candid-value.ts'
import { type DidField, type DidMethod, type DidService, type DidType, resolvedDid } from './did-type.ts'

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]+|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|0x[0-9a-fA-F_]+|[0-9][0-9_]*|->|[(){};:,=]/gy
const NESTING_MAX = 64
const PRIMITIVES: ReadonlySet<string> = new Set([...CANDID_PRIMITIVES, 'principal'])
const NUMBER = /^(?:0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/

interface Func {
  readonly args: readonly DidType[]
  readonly results: readonly DidType[]
  readonly annotations: readonly string[]
}

/** What a name stands for; functions and services keep their inside, since a method or the service itself may be one. */
interface Named {
  readonly type: DidType
  readonly func?: Func
  readonly methods?: Methods
}

type Methods = ReadonlyMap<string, Func | string>

/** Reads the service of a `.did`. @throws {MalformedBytes} */
export function parseDid(text: string): DidService {
  return new DidReader(text).whole()
}

class DidReader {
  readonly #tokens: readonly (readonly [token: string, at: number])[]
  readonly #names = new Map<string, Named>()
  readonly #used = new Set<string>()
  #next = 0

  constructor(text: string) {
    const tokens: [string, number][] = []
    TOKEN.lastIndex = 0
    for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
      const token = TOKEN.exec(text)?.[0]
      if (token === undefined) throw new MalformedBytes('candid: a sign that is none of its own', at)
      if (!/^(?:\s|\/\/|\/\*)/.test(token)) tokens.push([token, at])
    }
    this.#tokens = tokens
  }

  whole(): DidService {
    while (this.#take('type')) {
      const name = this.#name()
      this.#need('=')
      this.#names.set(name, this.#definition(0))
      this.#take(';')
    }
    this.#need('service')
    if (this.#peek() !== ':') this.#name()
    this.#need(':')
    const init = this.#peek() === '(' ? this.#initTypes() : []
    const methods = this.#peek() === '{' ? this.#methods(0) : this.#names.get(this.#name())?.methods
    this.#take(';')
    if (methods === undefined || this.#next < this.#tokens.length) throw this.#bad()
    for (const name of this.#used) resolvedDid(this.#named(name))
    return { init, methods: new Map([...methods].map(([name, func]) => [name, this.#method(func)])) }
  }

  #method(given: Func | string): DidMethod {
    const func = typeof given === 'string' ? this.#names.get(given)?.func : given
    if (func === undefined) throw this.#bad()
    const isQuery = func.annotations.some(one => one === 'query' || one === 'composite_query')
    return { args: func.args, results: func.results, isQuery }
  }

  #initTypes(): readonly DidType[] {
    const types = this.#tuple(0)
    this.#need('->')
    return types
  }

  #definition(depth: number): Named {
    if (this.#take('func')) return { type: { kind: 'func' }, func: this.#func(depth) }
    if (this.#take('service')) return { type: { kind: 'service' }, methods: this.#methods(depth) }
    return { type: this.#type(depth) }
  }

  #type(depth: number): DidType {
    if (depth > NESTING_MAX) throw this.#bad('nested too deep')
    const word = this.#word()
    switch (word) {
      case 'opt':
      case 'vec':
        return { kind: word, of: this.#type(depth + 1) }
      case 'record':
      case 'variant':
        return { kind: word, fields: this.#fields(word, depth) }
      case 'blob':
        return { kind: 'vec', of: { kind: 'primitive', of: 'nat8' } }
      case 'func':
        this.#func(depth)
        return { kind: 'func' }
      case 'service':
        this.#methods(depth)
        return { kind: 'service' }
      default:
        return PRIMITIVES.has(word) ? { kind: 'primitive', of: word as CandidPrimitive } : this.#named(word)
    }
  }

  #named(name: string): DidType {
    this.#used.add(name)
    return {
      kind: 'named',
      name,
      is: () => {
        const found = this.#names.get(name)
        if (found === undefined) throw new MalformedBytes(`candid: no type is called ${name}`, 0)
        return found.type
      },
    }
  }

  #func(depth: number): Func {
    const args = this.#tuple(depth + 1)
    this.#need('->')
    const results = this.#tuple(depth + 1)
    const annotations: string[] = []
    while (/^(?:oneway|query|composite_query)$/.test(this.#peek() ?? '')) annotations.push(this.#word())
    return { args, results, annotations }
  }

  #methods(depth: number): Methods {
    const methods = new Map<string, Func | string>()
    this.#list('{', '}', ';', () => {
      const name = this.#name()
      this.#need(':')
      methods.set(name, this.#peek() === '(' ? this.#func(depth) : this.#word())
    })
    return methods
  }

  #tuple(depth: number): readonly DidType[] {
    return this.#list('(', ')', ',', () => {
      if (this.#peek(1) === ':') this.#next += 2
      return this.#type(depth)
    })
  }

  #fields(kind: 'record' | 'variant', depth: number): readonly DidField[] {
    let position = 0
    const fields = this.#list('{', '}', ';', (): DidField => {
      const isNamed = this.#peek(1) === ':'
      if (kind === 'record' && !isNamed) return numbered(position++, this.#type(depth + 1))
      const token = this.#token()
      const type: DidType = this.#take(':') ? this.#type(depth + 1) : { kind: 'primitive', of: 'null' }
      if (!NUMBER.test(token)) {
        const name = plain(token)
        return { label: candidLabel(name), name, type }
      }
      position = Number(token.replaceAll('_', '')) + 1
      return numbered(position - 1, type)
    })
    return fields.toSorted((a, b) => a.label - b.label)
  }

  #list<T>(open: string, close: string, separator: string, read: () => T): T[] {
    this.#need(open)
    const list: T[] = []
    while (!this.#take(close)) {
      list.push(read())
      if (!this.#take(separator) && this.#peek() !== close) throw this.#bad()
    }
    return list
  }

  #peek(ahead = 0): string | undefined {
    return this.#tokens[this.#next + ahead]?.[0]
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false
    this.#next += 1
    return true
  }

  #need(token: string): void {
    if (!this.#take(token)) throw this.#bad(`expected ${token}`)
  }

  #token(): string {
    const token = this.#peek()
    if (token === undefined) throw this.#bad()
    this.#next += 1
    return token
  }

  #word(): string {
    const token = this.#token()
    if (/^[A-Za-z_]/.test(token)) return token
    this.#next -= 1
    throw this.#bad()
  }

  #name(): string {
    return this.#peek()?.startsWith('"') === true ? plain(this.#token()) : this.#word()
  }

  #bad(problem = `did not expect ${this.#peek() ?? 'the end'}`): MalformedBytes {
    return new MalformedBytes(`candid: ${problem}`, this.#tokens[this.#next]?.[1] ?? 0)
  }
}

const numbered = (label: number, type: DidType): DidField => ({ label, name: `_${label}_`, type })

const plain = (token: string): string => (token.startsWith('"') ? fromUtf8(unescapedCandid(token)) : token)
