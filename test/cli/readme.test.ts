import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AtollProgram } from './atoll-program.ts'
import { run, temporaryFolder } from './test-terminal.ts'

const ROOT = join(import.meta.dirname, '../..')
const PREFIX = 'npm run -s atoll -- '
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

interface Step {
  readonly command: string
  /** What the README says it prints; nothing if it says nothing. */
  readonly printed: string
}

/** Blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    match => match[1] ?? '',
  )
}

function stepsOf(block: string): Step[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map(text => {
      const [command = '', ...printed] = text.trimEnd().split('\n')
      return { command, printed: printed.join('\n') }
    })
}

const steps = blocks('console').flatMap(stepsOf)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: AtollProgram
let env: Record<string, string>
/** What stands in the README for what a command before printed. */
let canister = ''
/** Below the repository, so that packages are found from there. */
const scratch = join(ROOT, '.cache', `readme-${process.pid}`)

beforeAll(async () => {
  folder = await temporaryFolder()
  await mkdir(scratch, { recursive: true })
  const home = { ATOLL_HOME: join(folder.path, 'home') }
  node = new AtollProgram(['up', '--demo', '--port', '0', '--data', join(folder.path, 'data')], home)
  const [, url = ''] = await node.until(/API +(\S+)\/v1[\s\S]*--help/)
  env = { ...home, ATOLL_URL: url }
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
})

/** Runs a program of the README against the node of this test; gives what it printed. */
async function runProgram(name: string, text: string): Promise<string> {
  const path = join(scratch, name)
  const fitted = text
    .replaceAll('http://127.0.0.1:7333', env['ATOLL_URL'] ?? '')
    .replaceAll('./sdk/index.ts', '../../sdk/index.ts')
    .replaceAll('<canister>', canister)
  await writeFile(path, fitted)
  const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 180_000 })
  return stdout
}

/** A word as a shell hands it on; a project lies where it leaves nothing behind. */
const fitted = (word: string): string =>
  word
    .replace(/^'(.*)'$/, '$1')
    .replace(/^\.\/my-/, `${scratch}/my-`)
    .replace('<canister>', canister)

/** What the comments behind `console.log` say, line by line. */
const announced = (text: string): string =>
  [...text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(match => `${match[1]}\n`).join('')

describe('the README', () => {
  test('has commands to run', () => {
    expect(steps.filter(({ command }) => command.startsWith(PREFIX)).length).toBeGreaterThan(10)
  })

  test('names only npm scripts that there are', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const pages = await Promise.all(
      ['README.md', 'CONTRIBUTING.md', 'docs/TESTING.md', 'docs/OPERATIONS.md'].map(page =>
        readFile(join(ROOT, page), 'utf8'),
      ),
    )
    const named = pages.flatMap(page =>
      [...page.matchAll(/npm (?:run (?:-s )?)?([a-z]+(?::[a-z]+)*)/g)].map(match => match[1] ?? ''),
    )
    const scriptsNamed = named.filter(name => !['ci', 'create', 'install', 'pack', 'and'].includes(name))
    expect(scriptsNamed.length).toBeGreaterThan(10)
    for (const name of scriptsNamed) expect(scripts, name).toHaveProperty(name)
  })

  test('has links that lead somewhere', async () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(match => match[1] ?? '')
    expect(targets.length).toBeGreaterThan(15)
    for (const target of targets) {
      const failed = await readFile(join(ROOT, target)).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error.code,
      )
      expect(failed === undefined || failed === 'EISDIR', target).toBe(true)
    }
  })

  // In their order: later commands use what earlier ones made.
  test('has commands that do what it says', { timeout: 180_000 }, async () => {
    for (const { command, printed } of steps) {
      if (!command.startsWith(PREFIX)) {
        expect(['npm start', 'npm test']).toContain(command)
        continue
      }
      const words = command.slice(PREFIX.length).split(' ').map(fitted)
      if (words[0] === 'up') continue
      const { code, stdout, stderr } = await run(words, { env, cwd: ROOT })
      expect(code, `${command}\n${stderr}`).toBe(0)
      if (words[0] === 'ic' && words[1] === 'deploy') canister = stdout.trim()
      if (printed !== '') expect(stdout.trim(), command).toBe(printed)
    }
  })

  test('shows the line of a node that is ready', async () => {
    const { command, printed } = steps.find(step => step.command.includes(' up ')) ?? { command: '', printed: '' }
    const words = command
      .slice(PREFIX.length)
      .split(' ')
      .map(word => (word.startsWith('./.atoll') ? join(folder.path, 'other') : word))
    await using other = new AtollProgram(words, { ATOLL_HOME: join(folder.path, 'home') })
    await other.until(/\n/)
    const shown = printed
      .split('…')
      .map(text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')
    expect(other.stdout.trim()).toMatch(new RegExp(`^${shown}$`))
  })

  test('has a program for the SDK that prints what its comments say', async () => {
    const [text = ''] = blocks('ts')
    expect(announced(text)).not.toBe('')
    expect(await runProgram('sdk.ts', text)).toBe(announced(text))
  })

  test('has a program for unmodified aoconnect that prints what its comment says', { timeout: 180_000 }, async () => {
    const [text = ''] = blocks('js')
    expect(announced(text)).toBe('42\n')
    expect(await runProgram('ao.mjs', text)).toBe('42\n')
  })

  test('has a program for the agent of the IC that prints what its comment says', async () => {
    const [text = ''] = blocks('javascript')
    expect(announced(text)).toBe('10n\n')
    expect(await runProgram('ic.mjs', text)).toBe('10n\n')
  })
})
