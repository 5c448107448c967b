import { readFile } from 'node:fs/promises'
import { beforeAll, expect, it } from 'vitest'
import type { GuestFactory } from '../../../protocol/index.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'

const SOURCE = new URL('programs/outside.process.ts', import.meta.url)

let factory: GuestFactory
let lines: readonly string[]

beforeAll(async () => {
  factory = await loadAgent('outside')
  lines = (await readFile(SOURCE, 'utf8')).split('\n')
}, 180_000)

function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

/** The lines that name what a program uses, with what it uses. */
const used = (): (readonly [name: string, line: number])[] => {
  const first = lines.findIndex(line => line.startsWith('const uses')) + 1
  const last = lines.indexOf('}', first)
  return lines.slice(first, last).map((line, at) => [/^ {2}'?([\w$.]+)'?: /.exec(line)?.[1] ?? line, first + at + 1])
}

it('what is outside is refused with its name, what to use instead, and the place in the source', () => {
  const agent = start()
  expect(used().length).toBeGreaterThan(35)
  for (const [name, line] of used()) {
    const { ending } = agent.send('use', { name })
    const message = expect.stringMatching(
      new RegExp(`^'${name}' is not available in a process\\. \\w.* \\(outside\\.process\\.ts:${line}:\\d+\\)$`),
    )
    expect(ending).toMatchObject({ status: 'error', error: { code: 'unavailable', message } })
  }
})

it.each([
  ['performance.now', true],
  ['structuredClone', { list: [1, { deep: true }] }],
  ['TextEncoder', [0xc3, 0xa9]],
  ['TextDecoder', 'é'],
  ['URL', 'http://example.org/a?b=1'],
  ['URLSearchParams', '1'],
  ['atob', 'hi'],
  ['btoa', 'aGk='],
  ['queueMicrotask', 'function'],
  ['instanceof Blob', false],
  ['typeof fetch', 'undefined'],
  ['a text of crypto', '{"subtle":{}}'],
  ['typeof crypto.subtle.digest', 'function'],
  ['a hash, or what a library does without', 'unavailable'],
])('%s is there', (name, value) => {
  expect(start().send('find', { name }).output).toEqual({ reply: value })
})
