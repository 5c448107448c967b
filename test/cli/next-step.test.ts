import { expect, it } from 'vitest'
import { nextStepOf, withNextStep } from '../../cli/showing/next-step.ts'
import { showFailure } from '../../cli/showing/show-failure.ts'
import type { Terminal } from '../../cli/terminal.ts'
import { Failure } from '../../protocol/index.ts'
import { run } from './test-terminal.ts'

const failed = async (env: Readonly<Record<string, string>>, ...words: string[]): Promise<string> => {
  const { code, stderr } = await run(words, { env })
  expect(code).not.toBe(0)
  return stderr
}

const WORDS = ['explain', 'no-such-code'] as const
const HELP = ['no-such-command'] as const

it.each([
  ['installed', {}, 'atoll'],
  ['in a clone', { npm_lifecycle_event: 'atoll' }, 'npm run -s atoll --'],
  ['in a package of their own', { npm_lifecycle_event: 'npx' }, 'npx atoll'],
])('what to do next is said as those type it who have it %s', async (_, env, command) => {
  expect(await failed(env, ...HELP)).toContain(`next: ${command} --help shows`)
  const text = await failed(env, ...WORDS)
  expect(text).toMatch(new RegExp(`\\(more: ${command} explain AT\\d+\\)`))
  expect(JSON.parse(await failed(env, ...HELP, '-o', 'json'))).toMatchObject({
    next: expect.stringContaining(`${command} --help`),
  })
})

it('commands are explained as those type them who read it', async () => {
  const env = { npm_lifecycle_event: 'atoll' }
  const { stdout } = await run(['explain', 'unreachable'], { env })
  expect(stdout).toContain('Start it with npm run -s atoll -- up')
  const { stdout: all } = await run(['explain', '-o', 'json'], { env })
  expect(all).not.toMatch(/(?<!-s )atoll (?:process|module|peer|up|doctor|explain)/)
  expect((await run(['explain', 'unreachabel'], { env })).stderr).toContain(
    'npm run -s atoll -- explain lists them all',
  )
})

it('names that strangers chose are told as they are, whatever they say', () => {
  const terminal = { env: { npm_lifecycle_event: 'npx' } } as unknown as Terminal
  const step = 'what it takes looks like \'{"note":"atoll up"}\'.'
  expect(nextStepOf(withNextStep(new Failure('bad-input'), step), terminal)).toBe(step)
  expect(
    nextStepOf(
      withNextStep(new Failure('usage'), command => `${command} up`),
      terminal,
    ),
  ).toBe('npx atoll up')
})

it('what to do next drives no terminal, whoever chose the names in it', () => {
  let told = ''
  const terminal = { env: {}, err: (text: string) => (told += text), paintErr: (_: string, text: string) => text }
  const failure = withNextStep(new Failure('usage'), 'Its methods are a\u001b[2Jb.')
  showFailure(failure, terminal as unknown as Terminal, 'text')
  expect(told).toContain('next: Its methods are ab. (more')
})
