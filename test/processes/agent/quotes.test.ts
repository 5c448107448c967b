import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { AGENT_GAS } from '../../../processes/agent/gas.ts'
import { COUNT, MARK } from '../../../processes/agent/guest/quick-text.ts'
import { lacksQuotes, withQuotes } from '../../../processes/agent/quotes.ts'
import { type GuestFactory, QUERY_OUTPUT_MAX_BYTES } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, request, type Step, spawnMessage } from './agent-driver.ts'

const NONE = new Uint8Array(0)
const marked = (text: string): string => MARK + text + MARK
const counted = (count: number | string, text: string): Buffer => Buffer.from(COUNT + count + COUNT + text)
const put = (text: Buffer): string | undefined => {
  const bytes = withQuotes(text, 0, NONE, NONE)
  return bytes && Buffer.from(bytes).toString('utf8')
}

describe('quotes that are left to the host', () => {
  it('are put as JSON.stringify puts them, whatever stands between them', () => {
    const any = fc.string({
      unit: fc.oneof(
        fc.constantFrom('"', '\\', '\n', '\u0000', MARK, COUNT, 'é', '\u{1f600}'),
        fc.integer({ min: 0, max: 0x7f }).map(code => String.fromCharCode(code)),
      ),
    })
    fc.assert(
      fc.property(fc.array(any, { minLength: 1 }), texts => {
        const given = counted(texts.length, `[${texts.map(marked).join(',')}]`)
        const isUnclear = texts.some(text => text.includes(MARK))
        expect(put(given)).toBe(isUnclear ? undefined : JSON.stringify(texts))
      }),
    )
  })

  it('stand between what comes before and behind', () => {
    const text = Buffer.from(`line\n{"reply":${COUNT}1${COUNT}${marked('a"')},"events":["b"]}`)
    const at = text.indexOf(10) + 1
    expect(lacksQuotes(text, at + '{"reply":'.length)).toBe(true)
    const bytes = withQuotes(text, at, Buffer.from('<'), Buffer.from('>'))
    expect(Buffer.from(bytes ?? NONE).toString('utf8')).toBe('<{"reply":"a\\"","events":["b"]}>')
  })

  it.each([
    ['a text that looks like two', counted(1, marked(`a${MARK},${MARK}b`))],
    ['half of a pair', Buffer.concat([counted(1, MARK), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from(MARK)])],
    ['fewer texts than are told', counted(2, marked('a'))],
    ['a text without an end', counted(1, `${MARK}a`)],
    ['no number', counted('x', marked('a'))],
    ['a number without an end', Buffer.from(`${COUNT}1`)],
    ['a number that is none', counted('1e1', marked('a'))],
    ['a number as long as a book', counted('1'.repeat(100), marked('a'))],
    ['a text longer than an output', counted(1, marked('a'.repeat(QUERY_OUTPUT_MAX_BYTES)))],
    ['a text that becomes longer than an output', counted(1, marked('\0'.repeat(QUERY_OUTPUT_MAX_BYTES / 2)))],
  ])('are not put into %s', (_, text) => {
    expect(put(text)).toBeUndefined()
  })
})

it('quotes are put into the longest output, whatever must be escaped', () => {
  const texts = ['\0'.repeat((QUERY_OUTPUT_MAX_BYTES - 4) / 6)]
  const bytes = withQuotes(counted(1, `[${texts.map(marked).join('')}]`), 0, NONE, NONE)
  expect(bytes?.length).toBe(QUERY_OUTPUT_MAX_BYTES)
  // Nor is more kept than that.
  expect(bytes?.buffer.byteLength).toBe(QUERY_OUTPUT_MAX_BYTES)
  expect(JSON.parse(Buffer.from(bytes ?? NONE).toString('utf8'))).toStrictEqual(texts)
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
    { text: `a mark ${MARK},${MARK} between`, texts: [COUNT] },
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

  const lastOf = (driver: AgentDriver, gasLimit?: bigint): Step =>
    driver.run(request('last', undefined, { kind: 'query' }), gasLimit)

  it('is paid for by what is read and written to quote it', () => {
    const driver = start()
    const gasWith = (text: string): number => {
      driver.send('keep', { text, texts: [] })
      return Number(lastOf(driver).ending.gas)
    }
    const length = 10_000
    const plain = gasWith('a'.repeat(length))
    const escaped = gasWith('a\0'.repeat(length / 2))
    expect(plain - gasWith('')).toBeGreaterThan(2 * length * AGENT_GAS.quotingByte)
    expect(escaped - plain).toBeGreaterThan(2 * length * AGENT_GAS.quotingByte)
  })

  it('does not fail for a text that has it run again: the gas of both runs counts, up to the limit', () => {
    const driver = start()
    const plain = lastOf(driver).ending.gas
    driver.send('keep', { text: `a mark ${MARK}`, texts: [] })
    const both = lastOf(driver).ending.gas
    expect(both).toBeGreaterThan((plain * 3n) / 2n)
    // Enough for each of them, not for both.
    for (const limit of [both - 1n, (both * 2n) / 3n]) {
      const asked = lastOf(driver, limit)
      expect(asked.ending).toMatchObject({ status: 'ok', gas: limit })
      expect(asked.output).toMatchObject({ reply: { text: `a mark ${MARK}` } })
    }
    expect(lastOf(driver, both / 3n).ending).toMatchObject({ status: 'error', error: { code: 'out-of-gas' } })
  })

  it.each(['plain', `a mark ${MARK}`, 'half of a pair: \ud800'])(
    'has the fields it was given, to whomever: %j',
    text => {
      const driver = start()
      const reply = { known: text, unknown: 'not promised' }
      expect(driver.send('more', { text }).output).toStrictEqual({ reply })
      const pushed = driver.push(fakeId(7), ['Action', 'more', 'Reference', '1'], JSON.stringify({ text }))
      expect(pushed.context.sent.map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')))).toStrictEqual([
        reply,
      ])
    },
  )
})
