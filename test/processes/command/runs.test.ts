import { beforeAll, describe, expect, it } from 'vitest'
import { commandRuntime } from '../../../processes/index.ts'
import { encodeStdin } from '../../../processes/command/stdin.ts'
import { asProcessId, COMMAND_FILES_SIZE_MAX_BYTES } from '../../../protocol/index.ts'
import { dataOf, fakeId, fakeModule, guestMessage, tags } from '../../fakes/guest-context.ts'
import { wat } from '../actor/sample-actor.ts'
import { CommandDriver } from './command-driver.ts'
import { acting, doing, printing, SAMPLE_PROGRAM } from './sample-program.ts'

/** A message of a process that waits for an answer. */
const asked = { fromProcess: asProcessId(fakeId(9)), from: fakeId(9), tags: tags('Reference', '5') }
/** The word of the error that the guest makes of a failure. */
const NO_SPACE = 51

let sample: CommandDriver

beforeAll(async () => {
  sample = CommandDriver.open(await wat(SAMPLE_PROGRAM))
})

const prepare = async (text: string, ...moduleTags: string[]) =>
  commandRuntime.prepare(fakeModule('command', await wat(text), tags(...moduleTags)))

describe('a run', () => {
  it('keeps its files, and the next run finds them', () => {
    const process = sample.fresh()
    expect(process.run(doing('0')).answer).toEqual({ reply: '$' })
    expect(process.run(doing('0')).answer).toEqual({ reply: '%' })
    expect([...process.cells.values.keys()]).toEqual(['files/count'])
    expect(process.file('count')).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0))
  })

  it("sees the slot's time, and randomness that is the same wherever it is repeated", () => {
    const [one, other] = [sample.fresh(), sample.fresh()]
    for (const process of [one, other]) process.run(doing('9', { timestampMs: 1_700_000_123_456 }))
    const facts = one.file('facts') ?? new Uint8Array(0)
    expect(new DataView(facts.buffer).getBigUint64(0, true)).toBe(1_700_000_123_456_000_000n)
    expect(facts.subarray(8).some(byte => byte !== 0)).toBe(true)
    expect(other.file('facts')).toEqual(facts)
  })

  it('reads one line of JSON, whose keys have this order', () => {
    const message = guestMessage({
      tags: tags('Action', 'Say "hi"', 'N', '1'),
      data: dataOf('ünï\n'),
      anchor: Uint8Array.of(1, 2, 3),
      timer: 'caf\u00c3\u00a9',
    })
    const read = (parts: object) =>
      new TextDecoder().decode(encodeStdin({ ...message, ...parts }, asProcessId(fakeId(2))))
    const [one, two, three] = [fakeId(1), fakeId(2), fakeId(3)]
    const head = `{"kind":"message","id":"${one}","slot":1,"timestampMs":1700000000000,"process":"${two}","target":"${two}",`
    const sender = `"from":"${three}","owner":"${three}","fromProcess":null,"fromModule":null,"origin":"${one}","depth":0,`
    const rest = `"timer":"café","anchor":"AQID","action":"Say \\"hi\\"","tags":[{"name":"Action","value":"Say \\"hi\\""},{"name":"N","value":"1"}],`
    expect(read({})).toBe(`${head}${sender}${rest}"data":"ünï\\n","encoding":"utf-8"}\n`)
    expect(read({ data: Uint8Array.of(255, 0) })).toContain('"data":"/wA=","encoding":"base64"}\n')
  })

  it('leaves nothing of a query', () => {
    const process = sample.fresh()
    process.run(doing('0'))
    const { answer, ending } = process.run(doing('0', { kind: 'query' }))
    expect(ending.status).toBe('ok')
    expect(answer).toEqual({ reply: '%' })
    expect(process.run(doing('0')).answer).toEqual({ reply: '%' })
  })
})

describe('a program that goes wrong leaves its files as they were, and ends with', () => {
  it.each([
    ['1', { code: 'trap', message: 'the program trapped' }],
    ['2', { code: 'out-of-gas', message: 'the gas limit was reached' }],
    ['3', { code: 'stack-overflow', message: 'calls nested too deep' }],
    ['4', { code: 'exit', message: 'exit 7: it went wrong' }],
    ['5', { code: 'bad-output', message: 'stdout line 1: expected JSON: this is no action' }],
    ['6', { code: 'output-limit', message: expect.stringContaining('on stdout') }],
    ['7', { code: 'exit', message: `exit ${NO_SPACE}` }],
    ['b', { code: 'trap', message: 'memory access out of bounds in a host call' }],
  ])('%s: %o', (what, error) => {
    const process = sample.fresh()
    process.run(doing('0'))
    expect(process.fail(doing(what), 3_000_000_000n)).toEqual(error)
    expect(process.run(doing('0')).answer).toEqual({ reply: '%' })
  })

  it('all gas where the counter may lag, and what it used where it does not', () => {
    const process = sample.fresh()
    expect(process.run(doing('1'), 5_000_000n).ending.gas).toBe(5_000_000n)
    expect(process.run(doing('4'), 5_000_000n).ending.gas).toBeLessThan(1_000_000n)
  })

  it('no more memory than the rules give, and goes on without it', () => {
    expect(sample.fresh().run(doing('8')).answer).toEqual({ reply: '8' })
  })

  it('its log', () => {
    expect(sample.fresh().run(doing('4')).context.lines).toEqual(['it went wrong'])
  })

  it('no output, if one of its lines is wrong: nothing of the others is done', () => {
    const { ending, context } = sample.fresh().run(printing([{ send: { to: fakeId(8) } }, { sned: {} }]))
    expect(ending).toMatchObject({ status: 'error', error: { code: 'bad-output' } })
    expect(context.sent).toEqual([])
  })

  it('an error of its own choice', () => {
    const message = printing([{ send: { to: fakeId(8) } }, { error: { code: 'not-enough', message: 'only 3 left' } }])
    expect(sample.fresh().fail(message)).toEqual({ code: 'not-enough', message: 'only 3 left' })
  })

  it('an answer for a process that asked, and nothing else done', () => {
    const process = sample.fresh()
    process.run(doing('0'))
    const before = new Map(process.cells.values)
    const { ending, context, answer } = process.run(doing('4', asked))
    expect(ending.status).toBe('ok')
    const error = { code: 'exit', message: 'exit 7: it went wrong' }
    expect(answer).toEqual({ settled: [{ message: fakeId(1), error }] })
    expect(process.cells.values).toEqual(before)
    expect(context.sent).toEqual([
      {
        to: fakeId(9),
        tags: tags('Action', 'Error', 'X-Reference', '5', 'Error', 'exit', 'Content-Type', 'application/json'),
        data: dataOf(JSON.stringify(error)),
      },
    ])
  })
})

describe('what a program prints', () => {
  const self = fakeId(2)

  it('is done in its order', () => {
    const child = fakeId(77)
    const { context, answer } = sample.fresh().run(
      printing([
        { send: { to: fakeId(8), action: 'Hi', tags: { Colour: 'red' }, data: 'text' } },
        {
          send: {
            to: fakeId(8),
            tags: [
              { name: 'A', value: '1' },
              { name: 'A', value: '2' },
            ],
            data: { n: 1 },
          },
        },
        { send: { to: fakeId(8), data: 'AAE=', encoding: 'base64' } },
        { spawn: { module: child, tags: { Name: 'x' }, data: 'seed', reference: 'first' } },
        { timer: { key: 'later', dueMs: 5_000, everyMs: 1_000 } },
        { timer: { key: 'gone', dueMs: 5_000 } },
        { cancel: { key: 'gone' } },
        { log: 'a word' },
        { event: { name: 'happened', data: [1] } },
        { reply: { ok: true } },
      ]),
    )
    expect(context.sent.slice(0, 3)).toEqual([
      {
        kind: 'send',
        to: fakeId(8),
        tags: tags('Action', 'Hi', 'Colour', 'red'),
        data: dataOf('text'),
      },
      {
        kind: 'send',
        to: fakeId(8),
        tags: tags('A', '1', 'A', '2', 'Content-Type', 'application/json'),
        data: dataOf('{"n":1}'),
      },
      { kind: 'send', to: fakeId(8), tags: [], data: Uint8Array.of(0, 1) },
    ])
    expect(context.spawned).toMatchObject([{ module: child, tags: tags('Name', 'x'), data: dataOf('seed') }])
    const id = context.spawned[0]?.id ?? ''
    expect(context.sent[3]).toEqual({
      to: self,
      tags: tags('Action', 'Spawned', 'Process', id, 'X-Reference', 'first'),
      data: new Uint8Array(0),
    })
    expect([...context.timers]).toEqual([['later', { dueMs: 5_000, everyMs: 1_000 }]])
    expect(context.lines).toEqual(['a word'])
    expect(answer).toEqual({ reply: { ok: true }, events: [{ name: 'happened', data: [1] }] })
  })

  it('goes to the process that asked, if it is a reply', () => {
    const { context, answer } = sample.fresh().run(printing([{ reply: [1, 2] }], asked))
    expect(answer).toEqual({ reply: [1, 2] })
    expect(context.sent).toEqual([
      {
        to: fakeId(9),
        tags: tags('Action', 'Reply', 'X-Reference', '5', 'Content-Type', 'application/json'),
        data: dataOf('[1,2]'),
      },
    ])
  })

  it.each([
    [[{ reply: 1 }, { reply: 2 }], 'more than one reply'],
    [[{ send: { to: '' } }], 'a message to nobody'],
    [[{ send: {} }], 'expected to'],
    [[{ send: { to: 'x', colour: 1 } }], 'send has no "colour"'],
    [[{ send: { to: 'x', data: '*', encoding: 'base64' } }], 'expected data in base64'],
    [[{ send: { to: 'x', tags: { A: 1 } } }], 'expected tags with text as values'],
    [[{ spawn: { module: 'x' } }], 'expected the id of a module'],
    [[{ timer: { key: 'k' } }], 'expected dueMs'],
    [[{ timer: { key: 'k', dueMs: 1, everyMs: 5 } }], 'expected everyMs of 1000'],
    [[{ timer: { key: 'k', dueMs: 1.5 } }], 'whole number'],
    [[{ error: { code: 'No Code', message: '' } }], 'kebab-case'],
    [[{ error: { code: 'x'.repeat(65), message: '' } }], '64 characters'],
    [[{ a: 1, b: 2 }], 'an object with one key'.replace('an', 'a JSON')],
    [[[]], 'expected a JSON object with one key'],
    [[{ log: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) }], 'nested deeper than 128'],
  ])('is refused if it is wrong: %j', (lines, reason) => {
    const error = sample.fresh().fail(printing(lines as object[]))
    expect(error.code).toBe('bad-output')
    expect(error.message).toContain(reason)
  })
})

describe('whole numbers', () => {
  it.each(['9007199254740993', '{"wei":-1000000000000000001}', '[1e3,12345678901234567890]'])(
    'that would come out as others are refused: %s',
    number => {
      for (const line of [`{"reply":${number}}`, `{"send":{"to":"x","data":${number}}}`])
        expect(sample.fresh().fail(doing(`a${line}`))).toMatchObject({
          code: 'bad-output',
          message: expect.stringContaining('2^53'),
        })
    },
  )

  it.each(['9007199254740991', '"12345678901234567890"', '0.12345678901234567', '1e300'])(
    'that stay what they are, text and fractions are taken: %s',
    number => {
      expect(sample.fresh().run(doing(`a{"reply":${number}}`)).answer).toEqual({ reply: JSON.parse(number) })
    },
  )
})

/** A program with functions that have so many locals, and a branch table of so many entries over all blocks that stand around it. */
function branching(
  functions: number,
  { entries, blocks, locals }: Record<'entries' | 'blocks' | 'locals', number>,
): string {
  const targets = Array.from({ length: entries }, (_, at) => at % blocks).join(' ')
  const body = `${'(block '.repeat(blocks)}(br_table ${targets} (i32.const 0))${')'.repeat(blocks)}`
  const one = `(func (local ${'i32 '.repeat(locals)}) ${body})`
  return `(module (memory 1) ${one.repeat(functions)} (func (export "_start")))`
}

describe('branch tables', () => {
  it('of a Go program, which has one in each function, are taken', async () => {
    await expect(prepare(branching(100, { entries: 1000, blocks: 100, locals: 16 }))).resolves.toBeDefined()
  })

  it('that keep an engine busy with the locals of their functions are refused', async () => {
    await expect(prepare(branching(50, { entries: 100, blocks: 100, locals: 4000 }))).rejects.toMatchObject({
      code: 'module-refused',
      details: { rule: 'br-table-too-large' },
    })
  })
})

describe('a module is refused before it is loaded if', () => {
  const start = '(func (export "_start"))'

  it.each([
    [
      'it imports what there is not',
      '(module (import "env" "system" (func (param i32))) (memory 1) (func (export "_start")))',
      'import-not-allowed',
    ],
    [
      'it imports WASIX without the engine for it',
      '(module (import "wasix_32v1" "getcwd" (func (param i32 i32) (result i32))) (memory 1) (func (export "_start")))',
      'import-not-allowed',
    ],
    [
      'an import has another type',
      '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32))) (memory 1) (func (export "_start")))',
      'import-type',
    ],
    ['it has no start', '(module (memory 1))', 'export-type'],
    ['its start takes something', '(module (memory 1) (func (export "_start") (param i32)))', 'export-type'],
    ['it has no memory', `(module ${start})`, 'memory'],
    ['its data does not fit', `(module (memory 1) (data (i32.const 70000) "x") ${start})`, 'initialize'],
  ])('%s', async (_why, text, rule) => {
    await expect(prepare(text)).rejects.toMatchObject({ code: 'module-refused', details: { rule } })
  })

  it.each([
    ['Command-Args', '["a", 1]'],
    ['Command-Args', '[]'],
    ['Command-Args', 'a b'],
    ['Command-Env', '["A"]'],
    ['Command-Env', '{"A=B":"1"}'],
    ['Command-App', 'main.py'],
    ['Command-App', '/../main.py'],
  ])('its tag %s is %s', async (name, value) => {
    const refused = prepare(`(module (memory 1) ${start})`, name, value)
    await expect(refused).rejects.toMatchObject({
      code: 'module-refused',
      details: { rule: 'bad-tag' },
    })
  })
})

it('a process whose own tags make no sense exists, and each of its slots says why', () => {
  const process = sample.fresh(tags('Command-Args', '{}'))
  expect(process.fail(doing('0')).code).toBe('bad-program')
})

describe('what the host answers itself', () => {
  it('exports all files, and restores them', () => {
    const process = sample.fresh()
    process.run(doing('0'))
    process.run(doing('9'))
    const { answer } = process.run(acting('@export', '', { kind: 'query' }))
    const document = (answer as { reply: object }).reply
    expect(document).toMatchObject({
      v: 1,
      state: {
        files: { count: { text: '\u0001\0\0\0\0\0\0\0' }, facts: { base64: expect.any(String) } },
      },
    })
    const other = sample.fresh()
    const restore = acting('Restore', JSON.stringify(document), { kind: 'restore' })
    expect(other.run(restore).answer).toEqual({ reply: { files: 2 } })
    expect(other.cells.values).toEqual(process.cells.values)
    expect(other.run(doing('0')).answer).toEqual({ reply: '%' })
  })

  it('a restore takes the place of all that was there', () => {
    const process = sample.fresh()
    process.run(doing('0'))
    const files = { 'a/b/c': { text: 'deep' }, 'empty/': {} }
    process.run(acting('', JSON.stringify({ v: 1, state: { files } }), { kind: 'restore' }))
    expect([...process.cells.values.keys()].sort()).toEqual(['files/a/', 'files/a/b/', 'files/a/b/c', 'files/empty/'])
    const { answer } = process.run(acting('@state', '', { kind: 'query' }))
    expect(answer).toEqual({ reply: { files: { 'a/': {}, 'a/b/': {}, ...files } } })
  })

  it.each([
    ['no JSON', 'x'],
    ['another version', '{"v":2,"state":{"files":{}}}'],
    ['no files', '{"v":1,"state":{}}'],
    ['a path that leads out', '{"v":1,"state":{"files":{"../x":{"text":""}}}}'],
    ['an absolute path', '{"v":1,"state":{"files":{"/x":{"text":""}}}}'],
    ['a file that is a folder too', '{"v":1,"state":{"files":{"a":{"text":""},"a/b":{"text":""}}}}'],
    ['bytes that are none', '{"v":1,"state":{"files":{"a":{"base64":"*"}}}}'],
    ['a path that is no text', String.raw`{"v":1,"state":{"files":{"\ud800":{"text":"a"},"\ud801":{"text":"b"}}}}`],
    ['a path too long', `{"v":1,"state":{"files":{"${'x'.repeat(241)}":{"text":""}}}}`],
  ])('a document is refused that has %s', (_what, document) => {
    const process = sample.fresh()
    process.run(doing('0'))
    expect(process.fail(acting('', document, { kind: 'restore' })).code).toBe('bad-snapshot')
  })

  it('no other action that begins with @', () => {
    expect(sample.fresh().fail(acting('@other')).code).toBe('unknown-action')
    expect(sample.fresh().fail(acting('@export')).code).toBe('unknown-action')
  })
})

it('holds as many bytes of files as the limit says, and not one more', () => {
  const process = sample.fresh()
  const text = 'x'.repeat(1024 * 1024)
  const files = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`f${index}`, { text }]))
  const restore = (more: object) =>
    guestMessage({
      kind: 'restore',
      data: dataOf(JSON.stringify({ v: 1, state: { files: { ...files, ...more } } })),
    })
  expect(64 * text.length).toBe(COMMAND_FILES_SIZE_MAX_BYTES)
  expect(process.run(restore({})).answer).toEqual({ reply: { files: 64 } })
  expect(process.fail(restore({ more: { text: 'x' } })).code).toBe('bad-snapshot')
  expect(process.fail(doing('7')).message).toBe(`exit ${NO_SPACE}`)
})
