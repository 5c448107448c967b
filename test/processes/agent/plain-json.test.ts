import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { engine } from '../../../processes/agent/engine.ts'
import { AGENT_GAS, LOAD_GAS } from '../../../processes/agent/gas.ts'
import type { Entry } from '../../../processes/agent/entry.ts'
import { Machine } from '../../../processes/agent/machine.ts'
import { plainJson } from '../../../processes/agent/values/plain-json.ts'
import { type GuestFactory, QUERY_OUTPUT_MAX_BYTES } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, request, spawnMessage } from './agent-driver.ts'

class Engine {
  readonly #machine = new Machine()
  readonly #entry: Entry

  constructor() {
    const compiler = new Machine()
    compiler.calls.gas.value = LOAD_GAS
    compiler.start()
    const prelude = compiler.calls.compile(engine().prelude, 'prelude', 'places')
    this.#machine.calls.gas.value = LOAD_GAS
    this.#machine.start()
    this.#entry = this.#machine.boot(prelude)
  }

  #compiled(source: string): Uint8Array {
    this.#machine.calls.gas.value = LOAD_GAS
    return this.#machine.calls.compile(Buffer.from(source), 'test', 'places')
  }

  /** What the host writes of a value. */
  written(source: string): string | undefined {
    const { calls } = this.#machine
    const box = calls.evaluate(this.#compiled(source))
    const written = plainJson.write(calls.memory, this.#entry.plain, box, undefined)
    calls.exports.qjs_free_value(box)
    return written && Buffer.from(written).toString('utf8')
  }

  /** The same, and what the engine writes. */
  both(source: string): { host: string | undefined; engine: string } {
    const host = this.written(source)
    return { host, engine: this.#machine.value(this.#compiled(`String(JSON.stringify(${source}))`)) }
  }
}

describe('JSON that the host writes of values in the engine', () => {
  let shared: Engine
  beforeAll(() => {
    shared = new Engine()
  }, 60_000)

  it('is what JSON.stringify writes', () => {
    const unit = fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '\n',
        '\u0000',
        '\u0001',
        '\u007f',
        '\u0080',
        'é',
        'ÿ',
        '\u2028',
        '\u{1f600}',
        '\ud800',
        '\udc00',
      ),
      fc.integer({ min: 0, max: 0x7f }).map(code => String.fromCharCode(code)),
    )
    const text = fc.string({ unit })
    const name = text.filter(key => key !== '__proto__' && !/^\d+$/.test(key))
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.double(),
        fc.integer(),
        fc.constantFrom(null, true, false, 0, -0, 1e21, 5e-324),
        fc.array(tie('value')),
        fc.dictionary(name, tie('value')),
      ),
    }))
    const sourceOf = (given: unknown): string =>
      Object.is(given, -0) ? '-0' : typeof given === 'number' ? String(given) : JSON.stringify(given)
    fc.assert(
      fc.property(value, given => {
        const { host, engine: own } = shared.both(`(${sourceOf(given)})`)
        expect(host).toBe(own)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['fields without a value', '({ a: undefined, b: 1 })'],
    ['items without a value', '[undefined, 1]'],
    ['a field taken away', '(() => { const o = { a: 1, b: 2, c: 3 }; delete o.a; return o })()'],
    [
      'many fields taken away',
      '(() => { const o = {}; for (let i = 0; i < 40; i++) o["f" + i] = i; for (let i = 0; i < 30; i++) delete o["f" + i]; return o })()',
    ],
    ['many fields', 'Object.fromEntries(Array.from({ length: 500 }, (_, i) => ["f" + i, i]))'],
    ['a long list', 'Array.from({ length: 5000 }, (_, i) => i / 2)'],
    ['no prototype', '({ __proto__: null, a: [1] })'],
    ['frozen fields', 'Object.freeze({ a: 1 })'],
    ['names that begin with digits', '({ b: 1, "2026-11-28": 2, "30000000000": 3, "01": 4, "-1": 5 })'],
    ['a list that became shorter', '(() => { const l = [1, 2, 3]; l.length = 2; return l })()'],
    ['the same thing twice', '(o => [o, o])({ a: 1 })'],
    ['part of a text', '[("abcdefgh".repeat(2000)).slice(3, 6000)]'],
    ['part of a text beyond Latin', '[("é\\u4e00x".repeat(2000)).slice(3, 4001)]'],
    ['part of a text of Latin', '[("éx".repeat(3000)).slice(3, 4001)]'],
    ['numbers of all sizes', '[1e300, 1 / 3, -1, 2 ** 31, 2 ** 53, NaN, Infinity, -Infinity]'],
    ['things within things, 60 deep', '(() => { let o = 1; for (let i = 0; i < 60; i++) o = { o }; return o })()'],
  ])('is written of %s', (_, source) => {
    const { host, engine: own } = shared.both(source)
    expect(host).toBe(own)
  })

  it.each([
    ['a getter', '({ get a() { return 1 } })'],
    ['a form of its own', '({ toJSON: () => 1 })'],
    ['a hidden form of its own', 'Object.defineProperty({ a: 1 }, "toJSON", { value: () => 1 })'],
    ['a hidden field', 'Object.defineProperty({ a: 1 }, "b", { value: 1 })'],
    ['a class', 'new (class { a = 1 })()'],
    ['an inherited form', 'Object.create({ toJSON: () => 1 })'],
    ['a date', 'new Date(0)'],
    ['a map', 'new Map([[1, 2]])'],
    ['a proxy', 'new Proxy({}, {})'],
    ['bytes', 'new Uint8Array(3)'],
    ['a boxed text', 'Object("a")'],
    ['arguments', '(function () { return arguments })(1, 2)'],
    ['a list with holes', '[1, , 2]'],
    ['a list of holes', 'new Array(3)'],
    ['a list with holes behind its items', '(() => { const l = [1]; l.length = 3; return l })()'],
    ['a list of more holes than there are small numbers', 'new Array(2 ** 31)'],
    ['a list with fields', 'Object.assign([1], { a: 1 })'],
    ['a list of a class', 'new (class extends Array {})()'],
    ['numbers as names', '({ b: 1, 1: 2 })'],
    ['large numbers as names', '({ b: 1, 3000000000: 2 })'],
    ['a symbol as a name', '({ [Symbol("a")]: 1, b: 1 })'],
    ['a function', '({ a() {} })'],
    ['a symbol', '[Symbol("a")]'],
    ['things too deep', '(() => { let o = 1; for (let i = 0; i < 70; i++) o = { o }; return o })()'],
    ['a joined text', '["a".repeat(9000) + "b".repeat(9000)]'],
    ['a big number', '[1n]'],
    ['a circle', '(() => { const o = {}; o.o = o; return o })()'],
  ])('is not written of %s', (_, source) => {
    expect(shared.written(source)).toBeUndefined()
  })

  it.each(['Object', 'Array'])('is not written of anything once %s.prototype has a form of its own', name => {
    const bent = new Engine()
    expect(bent.written('[{ a: 1 }]')).toBe('[{"a":1}]')
    bent.written(`(() => { ${name}.prototype.toJSON = () => 1; return 1 })()`)
    expect(bent.written('[{ a: 1 }]')).toBeUndefined()
    bent.written(`(() => { delete ${name}.prototype.toJSON; return 1 })()`)
    expect(bent.written('[{ a: 1 }]')).toBe('[{"a":1}]')
  })

  it.each([
    ['lists inherit from something else', 'Object.setPrototypeOf(Array.prototype, { toJSON: () => 1 })'],
    ['objects inherit many fields', 'for (let i = 0; i < 300; i++) Object.prototype["f" + i] = i'],
  ])('is not written of anything once %s', (_, source) => {
    const bent = new Engine()
    bent.written(`(() => { ${source}; return 1 })()`)
    expect(bent.written('[{ a: 1 }]')).toBeUndefined()
  })

  it('is as long as an output at most, and no longer in the making', () => {
    const longest = QUERY_OUTPUT_MAX_BYTES - 4
    expect(shared.written(`["a".repeat(${longest})]`)).toHaveLength(QUERY_OUTPUT_MAX_BYTES)
    expect(shared.written(`["a".repeat(${longest + 1})]`)).toBeUndefined()
    expect(shared.written(`["a".repeat(${longest - 1}), 1]`)).toBeUndefined()
    // Each list holds the next ten times.
    expect(
      shared.written('(() => { let o = []; for (let i = 0; i < 12; i++) o = Array(10).fill(o); return o })()'),
    ).toBeUndefined()
  })

  it('is not written of what has more fields and items, each time it is met, than would be looked at', () => {
    const nothing =
      '(() => { const o = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => ["f" + i])); return Array(300).fill(o) })()'
    expect(shared.written(nothing)).toBeUndefined()
  })
})

describe('what an agent replies', { timeout: 180_000 }, () => {
  let factory: GuestFactory
  beforeAll(async () => {
    factory = await loadAgent('echo')
  }, 180_000)

  const start = (): AgentDriver => {
    const driver = new AgentDriver(factory)
    expect(driver.run(spawnMessage()).ending.status).toBe('ok')
    return driver
  }

  const TEXTS = [
    { text: 'plain', texts: ['a', 'b'], note: 'c' },
    { text: '', texts: [], note: null },
    { text: 'a "quoted"\n\\ text\t\u0000\u007f', texts: ['é', '\u{1f600}', '\u2028'] },
    { text: 'what stands for a reply: \u0001', texts: ['\u0001'] },
    { text: 'half of a pair: \ud800', texts: ['\udc00'] },
  ]

  it.each(TEXTS)('is what it says: $text', texts => {
    const driver = start()
    const input = { ...texts }
    expect(driver.run(request('keep', input)).output).toStrictEqual({ reply: texts })
    const told = driver.run(request('tell', input, { slot: 2 })).output
    expect(told).toStrictEqual({ reply: texts, events: [{ name: 'told', data: { text: texts.text } }] })
    expect(driver.query('last')).toStrictEqual(texts)
  })

  it('is paid for by what is written of it', () => {
    const driver = start()
    const gasWith = (text: string): number => {
      driver.send('keep', { text, texts: [] })
      return Number(driver.run(request('last', undefined, { kind: 'query' })).ending.gas)
    }
    const length = 10_000
    const plain = gasWith('a'.repeat(length))
    const escaped = gasWith('a\0'.repeat(length / 2))
    expect(plain - gasWith('')).toBeGreaterThan(length * AGENT_GAS.jsonStep)
    expect(escaped - plain).toBeGreaterThan(2 * length * AGENT_GAS.jsonStep)
  })

  it.each(['plain', 'half of a pair: \ud800'])('has the fields it was given, to whomever: %j', text => {
    const driver = start()
    const reply = { known: text, unknown: 'not promised' }
    expect(driver.send('more', { text }).output).toStrictEqual({ reply })
    const pushed = driver.push(fakeId(7), ['Action', 'more', 'Reference', '1'], JSON.stringify({ text }))
    expect(pushed.context.sent.map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')))).toStrictEqual([reply])
  })
})
