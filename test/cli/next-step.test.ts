import { expect, it } from 'vitest'
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
