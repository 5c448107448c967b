import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { AgentDriver } from './agent-driver.ts'

const SOURCE = new URL('programs/looping.process.ts', import.meta.url)

/** The engine notes places of conditions and calls alone: of a loop that has neither, the last before it. */
it.each([
  ['counting', `if (how === 'counting')`],
  ['doing nothing', `if (how === 'doing nothing')`],
  ['with a condition', 'while (x > 0)'],
  ['calling', 'x = next(x)'],
])('a loop without end that goes on %s is told by the nearest place that the engine knows', async (how, text) => {
  const lines = (await readFile(SOURCE, 'utf8')).split('\n')
  const line = lines.findIndex(one => one.includes(text)) + 1
  const agent = await AgentDriver.open('looping')
  const { ending } = agent.send('spin', { how })
  const message = expect.stringMatching(new RegExp(`\\(looping\\.process\\.ts:${line}:\\d+\\)$`))
  expect(ending).toMatchObject({ status: 'error', error: { code: 'out-of-gas', message } })
})

it('a loop without end in a function that calls nothing is told by its name', async () => {
  const agent = await AgentDriver.open('looping')
  const { ending } = agent.send('bare')
  const message = expect.stringMatching(/ \(in bare\)$/)
  expect(ending).toMatchObject({ status: 'error', error: { code: 'out-of-gas', message } })
})
