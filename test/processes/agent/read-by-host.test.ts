import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { jsonReader } from '../../../processes/agent/values/json-reader.ts'
import { plainJson } from '../../../processes/agent/values/plain-json.ts'
import { toUtf8 } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, request } from './agent-driver.ts'

/** One driver, that runs each message twice: as a host does, and as it would if it read and wrote nothing itself. */
let driver: AgentDriver
beforeAll(async () => {
  driver = await AgentDriver.open('forms')
}, 60_000)
afterEach(() => {
  vi.restoreAllMocks()
})

interface Answer {
  readonly output: unknown
  readonly error: unknown
}

function answerTo(action: string, text: string): Answer {
  const { ending } = driver.run({ ...request(action, {}), data: toUtf8(text) })
  if (ending.status === 'error') return { output: undefined, error: ending.error }
  return { output: Buffer.from(ending.output).toString('utf8'), error: undefined }
}

/** The answer to a message, which is the same whoever reads it; and whether the host did. */
function answered(action: string, text: string): Answer & { readonly isRead: boolean } {
  const read = vi.spyOn(jsonReader, 'read')
  const byHost = answerTo(action, text)
  const isRead = read.mock.results.at(-1)?.value === true
  read.mockReturnValue(false)
  const write = vi.spyOn(plainJson, 'write').mockReturnValue(undefined)
  expect(byHost).toEqual(answerTo(action, text))
  read.mockRestore()
  write.mockRestore()
  return { ...byHost, isRead }
}

const ascii = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)) })
const plain = ascii.filter(text => !/["\\]/.test(text))
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 5e-324, 2 ** 53),
)

const everything = (texts: fc.Arbitrary<string>) =>
  fc.record({
    text: texts,
    short: fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 2, maxLength: 4 }),
    number: numbers,
    whole: fc.integer({ min: -3, max: 3 }),
    above: fc.double({ min: 0.001, max: 0.999, noNaN: true }),
    flag: fc.boolean(),
    nothing: fc.constant(null),
    word: fc.constantFrom('a', 'b', ''),
    one: fc.constant('a'),
    maybe: fc.option(texts),
    'odd key': numbers,
    texts: fc.array(texts, { maxLength: 5 }),
    few: fc.array(numbers, { minLength: 1, maxLength: 3 }),
    nested: fc.array(fc.record({ name: texts, tags: fc.array(fc.array(fc.boolean())) }), { maxLength: 4 }),
    inner: fc.record({ a: fc.option(fc.record({ b: fc.record({}) })) }),
  })

/** JSON of a value, with `-0`, and blanks wherever they may be. */
function jsonOf(value: unknown, blank: () => string): string {
  const [b, spaced] = [blank, (parts: string[]) => parts.join(`${blank()},${blank()}`)]
  if (Object.is(value, -0)) return '-0'
  if (Array.isArray(value)) return `[${b()}${spaced(value.map(item => jsonOf(item, b)))}${b()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}${b()}:${b()}${jsonOf(field, b)}`)
  return `{${b()}${spaced(fields)}${b()}}`
}

const shuffled = <T extends object>(value: T) =>
  fc
    .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
    .map(entries => Object.fromEntries(entries))

describe('a message that the host reads', () => {
  it('is what the engine reads, in any order and with blanks', () => {
    const cases = everything(plain).chain(value =>
      fc.tuple(shuffled(value), fc.infiniteStream(fc.constantFrom('', '', ' ', '\n', '\t\r'))),
    )
    fc.assert(
      fc.property(cases, ([value, blanks]) => {
        const { isRead, error } = answered(
          'everything',
          jsonOf(value, () => blanks.next().value ?? ''),
        )
        expect(error).toBeUndefined()
        expect(isRead).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('is one like any other to a program, which may change it and keep it', () => {
    let kept = 'null'
    fc.assert(
      fc.property(everything(plain), value => {
        expect(answered('used', JSON.stringify(value)).isRead).toBe(true)
        const before = kept
        kept = JSON.stringify(value)
        expect(driver.run(request('kept', value)).output).toEqual({ reply: before })
      }),
      { numRuns: 100 },
    )
  })

  it('is the engine’s if its texts are not plain', () => {
    const texts = fc.string({
      unit: fc.oneof(fc.constantFrom('"', '\\', '\n', 'é', '\u4e00', '\u{1f600}', '\u0000', '\u007f'), plain),
    })
    fc.assert(
      fc.property(everything(texts), value => {
        answered('everything', JSON.stringify(value))
      }),
      { numRuns: 100 },
    )
  })

  it('is refused as the engine refuses it', () => {
    const valid = everything(plain).map(value => JSON.stringify(value))
    const damaged = fc
      .tuple(
        valid,
        fc.nat(),
        fc.nat(3),
        fc.constantFrom(
          '',
          '"',
          ',',
          '{',
          '}',
          '[',
          ']',
          ':',
          '0',
          '-',
          '.',
          'e',
          'null',
          'true',
          ' ',
          'x',
          '\\',
          '\u0001',
        ),
      )
      .map(([text, at, cut, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + cut))
    fc.assert(
      fc.property(damaged, text => {
        answered('everything', text)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['number', '12', true],
    ['number', ' -0 ', true],
    ['number', '123456789012345678901234567890', true],
    ['number', '9007199254740993', true],
    ['number', '1.5e+3', true],
    ['number', '1E400', false],
    ['number', '01', false],
    ['number', '-', false],
    ['number', '1.', false],
    ['number', '.5', false],
    ['number', '1e', false],
    ['number', '1 2', false],
    ['number', '0x10', false],
    ['number', 'NaN', false],
    ['text', '"plain"', true],
    ['text', '""', true],
    ['text', '"\\u0061"', false],
    ['text', 'no JSON', false],
    ['text', '"open', false],
    ['texts', '[]', true],
    ['texts', '["a","b"]', true],
    ['texts', '["a",]', false],
    ['texts', '[,"a"]', false],
    ['texts', '["a" "b"]', false],
    ['optional', '{"a":"x","b":1,"c":["y"]}', true],
    ['optional', '{"a":"x"}', false],
    ['optional', '{"a":"x","b":1}', false],
    ['optional', '{"a":"x","b":1,"c":["y"],"a":"z"}', false],
    ['optional', '{"a":"x","b":1,"c":["y"],"d":null}', false],
    ['optional', '{"__proto__":{"a":"x"},"b":1,"c":["y"]}', false],
    ['optional', '[]', false],
    ['optional', 'null', false],
  ])('%s %s is told as the engine tells it (by the host: %s)', (action, text, isByHost) => {
    expect(answered(action, text).isRead).toBe(isByHost)
  })

  it('is answered by a query alike', () => {
    const value = fc.sample(everything(plain), { seed: 7, numRuns: 1 })[0]
    const query = { ...request('says', value), kind: 'query' as const }
    const byHost = driver.run(query)
    vi.spyOn(jsonReader, 'read').mockReturnValue(false)
    expect(byHost.output).toEqual(driver.run(query).output)
    expect(byHost.output).toEqual({ reply: JSON.parse(JSON.stringify(value)) })
  })

  it('is known to who kept its context, when it is another’s turn', () => {
    const tags = [
      { name: 'Action', value: 'runs' },
      { name: 'X-Note', value: 'first' },
    ]
    const first = request('runs', 'save', { id: fakeId(55), depth: 3, tags })
    expect(driver.run(first).output).toEqual({ reply: '"save"' })
    driver.run(request('text', 'another'))
    const told = JSON.parse(String(driver.run(request('runs', 'saved')).output?.['reply']))
    expect(told).toMatchObject({
      id: fakeId(55),
      depth: 3,
      data: '"save"',
      action: 'runs',
      tags: { 'X-Note': 'first' },
    })
  })
})

describe('a reply that the host looks at', () => {
  const valid = fc.sample(everything(plain), { seed: 3, numRuns: 1 })[0]
  const source = `({...${JSON.stringify(valid)}})`

  it.each([
    ['gives', `return ${source}`],
    ['gives', `return { ...${source}, more: 1 }`],
    ['gives', `return { more: undefined, ...${source} }`],
    ['gives', `return { ...${source}, text: 5 }`],
    ['gives', `return { ...${source}, text: undefined }`],
    ['gives', `const v = ${source}; delete v.text; return v`],
    ['gives', `return { ...${source}, short: 'a' }`],
    ['gives', `return { ...${source}, short: 'abcde' }`],
    ['gives', `return { ...${source}, short: '\u4e00\u4e00' }`],
    ['gives', `return { ...${source}, number: NaN }`],
    ['gives', `return { ...${source}, number: -0 }`],
    ['gives', `return { ...${source}, whole: 0.5 }`],
    ['gives', `return { ...${source}, whole: 2 ** 60 }`],
    ['gives', `return { ...${source}, above: 1 }`],
    ['gives', `return { ...${source}, word: 'c' }`],
    ['gives', `return { ...${source}, word: 'ab'.slice(1) }`],
    ['gives', `return { ...${source}, one: null }`],
    ['gives', `return { ...${source}, maybe: 'é"\\n' }`],
    ['gives', `return { ...${source}, few: [] }`],
    ['gives', `return { ...${source}, few: [1, , 2] }`],
    ['gives', `return { ...${source}, few: [1, undefined] }`],
    ['gives', `return { ...${source}, few: { 0: 1, length: 1 } }`],
    ['gives', `return { ...${source}, nested: [{ name: 'x' }] }`],
    ['gives', `return { ...${source}, inner: { a: { b: [] } } }`],
    ['gives', `return { ...${source}, flag: 1n }`],
    ['gives', `return { ...${source}, flag: Symbol() }`],
    [
      'gives',
      `const v = ${source}; Object.defineProperty(v, 'text', { get: () => 'got', enumerable: true }); return v`,
    ],
    ['gives', `const v = ${source}; Object.defineProperty(v, 'text', { enumerable: false }); return v`],
    ['gives', `return Object.create(${source})`],
    ['gives', `return Object.assign(Object.create(null), ${source})`],
    ['gives', 'return null'],
    ['gives', 'return undefined'],
    ['gives', 'return 5'],
    ['gives', 'return []'],
    ['gives', `return new Proxy(${source}, {})`],
    ['gives', `return { ...${source}, toJSON: () => 5 }`],
    ['givesOptional', `return { a: 'x' }`],
    ['givesOptional', `return { a: 'x', b: undefined }`],
    ['givesOptional', `return { a: 'x', b: 1, c: undefined }`],
    ['givesOptional', `return { c: ['y'], b: 2, a: 'x' }`],
    ['givesOptional', `return { b: 2 }`],
    ['givesAnything', `return { any: undefined }`],
    ['givesAnything', `return {}`],
    ['givesAnything', `return { any: null }`],
    ['givesAnything', `return { any: { a: [1, 'x', { b: undefined }], c: NaN } }`],
    ['givesList', `return [1, null, 0.5]`],
    ['givesList', `return [1, undefined]`],
    ['givesList', `return ['1']`],
  ])('%s %s is told as the engine tells it', (action, code) => {
    answered(action, JSON.stringify(code))
  })

  it('lacks what it seems to have from elsewhere', () => {
    const inherited = 'Object.prototype.b = "no number"; Object.prototype.c = ["from elsewhere"]'
    answerTo('runs', JSON.stringify(`${inherited}; return 1`))
    const told = answered('givesOptional', JSON.stringify(`return { a: 'x' }`))
    answerTo('runs', JSON.stringify('delete Object.prototype.b; delete Object.prototype.c; return 1'))
    expect(told.error).toMatchObject({ code: 'bad-reply' })
  })
})
