import { expect, it } from 'vitest'
import { type RoundEnd, TypeLook } from '../../cli/project/type-look.ts'
import type { Terminal } from '../../cli/terminal.ts'

const LINES = ['a.ts(1,14): error TS2322: no']

/** What is told of one round after another, of which the compiler said that. */
async function toldOf(rounds: readonly (readonly [readonly string[], RoundEnd])[]): Promise<string> {
  let told = ''
  const terminal = { err: (text: string) => (told += text), paintErr: (_: string, text: string) => text }
  let lines: readonly string[] = []
  using types = new TypeLook(terminal as unknown as Terminal, '.', async () => lines)
  for (const [said, end] of rounds) {
    lines = said
    types.look(Promise.resolve(end))
    await new Promise(resolve => setImmediate(resolve))
  }
  return told
}

it('tells that what was built runs all the same only where it does', async () => {
  const runs = `✖ the types do not fit; what was built runs all the same\n  ${LINES[0]}\n`
  expect(await toldOf([[LINES, 'runs']])).toBe(runs)
  expect(await toldOf([[LINES, 'refused']])).toBe(runs.replace('; what was built runs all the same', ''))
})

it('is silent of sources that could not be read: the build has told where', async () => {
  expect(await toldOf([[LINES, 'unread']])).toBe('')
})

it('tells once that the types fit again', async () => {
  expect(await toldOf([[[], 'runs']])).toBe('')
  const mended = await toldOf([
    [LINES, 'runs'],
    [LINES, 'unread'],
    [[], 'runs'],
    [[], 'runs'],
  ])
  expect(mended.split('\n').slice(2)).toEqual(['✔ the types fit again', ''])
})
