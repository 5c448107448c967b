import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { COUNT, MARK } from '../../../processes/agent/guest/quick-text.ts'
import { lacksQuotes, withQuotes } from '../../../processes/agent/quotes.ts'
import type { GuestFactory } from '../../../protocol/index.ts'
import { AgentDriver, loadAgent, request, spawnMessage } from './agent-driver.ts'

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
  ])('are not put into %s', (_, text) => {
    expect(put(text)).toBeUndefined()
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

  it('has the fields that are promised and no others', () => {
    expect(start().run(request('more', {})).output).toStrictEqual({ reply: { known: 'promised' } })
  })
})
