import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import tally from '../testing/programs/tally.process.ts'

test('the example of docs/TESTING-AGENTS.md runs as it stands', async () => {
  const page = await readFile(new URL('../../docs/TESTING-AGENTS.md', import.meta.url), 'utf8')
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const lines = code.split('\n').filter(line => !line.startsWith('import '))
  expect(lines.length).toBeGreaterThan(15)
  const body = lines.join('\n').replace('await using net', 'const net')
  type Run = (make: typeof createTestNet, program: typeof tally) => Promise<void>
  const run = new Function(
    'createTestNet',
    'tally',
    `return (async () => {${body}\nawait net[Symbol.asyncDispose]() })()`,
  ) as Run
  await run(createTestNet, tally)
})
