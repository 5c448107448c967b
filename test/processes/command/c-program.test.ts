import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Tag } from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { temporaryFolder } from '../../cli/test-terminal.ts'
import { CommandDriver } from './command-driver.ts'
import { acting } from './sample-program.ts'
import { compileC, hasCompiler } from './wasi-compiler.ts'

const SOURCE = 'test/processes/command/programs/guest-book.c'
const TAGS = tags('Command-Args', '["guest-book","of the inn"]', 'Command-Env', '{"HOME":"/"}')
const NO_COMPILER = 'no compiler: node scripts/fetch-wasi-toolchain.mjs'

describe.skipIf(!hasCompiler).each<[string, Tag[]]>([
  ['by the host itself', []],
  ['through Wasmer', tags('Command-Engine', 'wasmer')],
])(`a C program, run %s${hasCompiler ? '' : ` (${NO_COMPILER})`}`, (_engine, engine) => {
  let wasm: Uint8Array
  let book: CommandDriver

  beforeAll(async () => {
    wasm = await compileC(SOURCE)
    book = CommandDriver.open(wasm, [...TAGS, ...engine])
    return () => book.close()
  }, 180_000)

  it('makes folders, appends, stats, lists, renames', () => {
    const process = book.fresh()
    expect(process.run(acting('Sign', 'Ada')).answer).toEqual({ reply: 4 })
    expect(process.run(acting('Sign', 'Grace')).answer).toEqual({ reply: 10 })
    expect(process.text('book/2023.txt')).toBe('Ada\nGrace\n')
    expect(process.run(acting('List')).answer).toEqual({ reply: { files: 1, root: 1.732051 } })
    expect(process.run(acting('Move')).answer).toEqual({ reply: 'moved' })
    expect([...process.cells.values.keys()].sort()).toEqual(['files/old/', 'files/old/2023.txt'])
    expect(process.text('old/2023.txt')).toBe('Ada\nGrace\n')
    expect(process.fail(acting('List'))).toEqual({
      code: 'exit',
      message: 'exit 1: opendir: No such file or directory',
    })
  })

  it('writes behind the end, and cuts: only the pieces that are needed are kept', () => {
    const process = book.fresh()
    expect(process.run(acting('Punch')).answer).toEqual({ reply: 'en' })
    const keys = [...process.cells.values.keys()].sort()
    expect(keys).toEqual(['files/blob', 'files/blob\0\0\0\u0001', 'files/blob\0\0\0\u0002', 'files/blob\0\0\0\u0003'])
    expect(process.cells.values.get('files/blob\0\0\0\u0003')).toHaveLength(50_002 - 3 * 16_384)
    const before = new Map(process.cells.values)
    expect(process.run(acting('Punch')).answer).toEqual({ reply: 'en' })
    expect([...process.cells.values].filter(([key, value]) => before.get(key) !== value).map(([key]) => key)).toEqual(
      [],
    )
  })

  it('sees its arguments and environment, and no others', () => {
    expect(book.fresh().run(acting('Who')).answer).toEqual({ reply: [2, 'of the inn', '/'] })
  })

  it('sleeps an hour in no time', () => {
    expect(book.fresh().run(acting('Sleep')).answer).toEqual({ reply: 3600 })
  })

  it('ends a slot with its exit and what it said', () => {
    expect(book.fresh().fail(acting('Dance'))).toEqual({
      code: 'exit',
      message: 'exit 3: no such action: Dance',
    })
  })
})

it.skipIf(!hasCompiler)(
  'the C program of docs/protocol/command.md counts as that page says',
  { timeout: 180_000 },
  async () => {
    const page = await readFile('docs/protocol/command.md', 'utf8')
    await using folder = await temporaryFolder()
    const source = join(folder.path, 'count.c')
    await writeFile(source, /```c\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    const counter = CommandDriver.open(await compileC(source), [])
    try {
      const process = counter.fresh()
      expect(process.run(acting('any')).answer).toEqual({ reply: 1 })
      expect(process.run(acting('any')).answer).toEqual({ reply: 2 })
    } finally {
      counter.close()
    }
  },
)

it.skipIf(hasCompiler)(`C programs: ${NO_COMPILER}`, () => undefined)
