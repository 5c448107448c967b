import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../cli/commands.ts'
import { type AtollNode, createNode } from '../../node/index.ts'
import { FAILURES } from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = await readFile(join(ROOT, 'docs/AGENTS.md'), 'utf8')
const run = promisify(execFile)

/** Below the repository, so that packages are found from there. */
const scratch = join(ROOT, '.cache', `agents-${process.pid}`)

/** The files of the page: blocks that begin with their name. */
const files = new Map(
  [...page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```$/gm)].map(
    ([, name = '', text = '']) => [name, text] as const,
  ),
)
const announced = (text: string): string =>
  [...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(match => `${match[1]}\n`).join('')

let node: AtollNode

beforeAll(async () => {
  await mkdir(scratch, { recursive: true })
  node = await createNode({ data: join(scratch, 'data'), port: 0, hosts: 1 })
  for (const [name, text] of files) {
    const fitted = text
      .replaceAll("'atoll/contract'", "'../../contract/index.ts'")
      .replaceAll("'atoll/node'", "'../../node/index.ts'")
      .replaceAll("'atoll'", "'../../sdk/index.ts'")
      .replaceAll('http://127.0.0.1:7333', node.url)
    await writeFile(join(scratch, name), fitted)
  }
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions: { noEmit: true, rootDir: '../..' },
    include: ['*.ts', '../../log/*.d.ts', '../../node/**/*.d.ts', '../../processes/**/*.d.ts'],
  }
  await writeFile(join(scratch, 'tsconfig.json'), JSON.stringify(settings))
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
})

describe('docs/AGENTS.md', () => {
  test('has programs that compile', { timeout: 180_000 }, async () => {
    const names = ['counter.contract.ts', 'counter.process.ts', 'teller.process.ts', 'client.ts', 'models.ts']
    expect([...files.keys()]).toEqual(names)
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [compiler, '-p', scratch]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toBe('')
  })

  test('has two processes, and a client of them that prints what its comments say', { timeout: 180_000 }, async () => {
    const built = await buildAgent(join(scratch, 'counter.process.ts'))
    await writeFile(join(scratch, 'counter.module'), built.bytes)
    const teller = await buildAgent(join(scratch, 'teller.process.ts'))
    await writeFile(join(scratch, 'teller.module'), teller.bytes)
    const expected = announced(files.get('client.ts') ?? '')
    expect(expected.split('\n').length).toBeGreaterThan(6)
    const { stdout } = await run(process.execPath, ['client.ts'], { cwd: scratch, timeout: 180_000 })
    expect(stdout).toBe(expected)
  })

  test('names failures and options that there are', () => {
    const named = [...page.matchAll(/`((?:bad|process)-[a-z]+|timeout)`/g)].map(match => match[1] ?? '')
    expect(named.length).toBeGreaterThan(3)
    // What a process says of itself has no row among failures.
    for (const code of named) expect([...Object.keys(FAILURES), 'bad-state']).toContain(code)
    const options = COMMANDS.find(({ name }) => name === 'mcp')?.options ?? {}
    const told = page.split('## Tools for language models')[1] ?? ''
    for (const [, option = ''] of told.matchAll(/`--([a-z-]+)/g)) expect(options, option).toHaveProperty(option)
  })
})
