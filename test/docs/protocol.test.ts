import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../cli/commands.ts'
import { loadConfig } from '../../node/index.ts'
import { ALL_LIMITS, NEXT_STEPS, RESULT_STATUSES } from '../../protocol/index.ts'
import { protocolExamples } from './protocol-examples.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const page = readFileSync(join(DOCS, 'PROTOCOL.md'), 'utf8')

/** Rows of two cells below a heading: name and value, without the marks of code. */
function rowsBelow(heading: string): [string, string][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)]
    .map(([, name = '', value = '']): [string, string] => [
      name.replaceAll('`', '').trim(),
      value.replaceAll('`', '').trim(),
    ])
    .filter(([name]) => !/^-+$/.test(name) && name !== 'what' && name !== 'limit')
}

describe('docs/PROTOCOL.md', () => {
  test('shows the bytes that the code writes', () => {
    expect(Object.fromEntries(rowsBelow('Worked examples'))).toEqual(protocolExamples())
  })

  test('names limits as they are', () => {
    const rows = rowsBelow('Limits that all compute units must agree on')
    expect(rows.length).toBeGreaterThan(20)
    for (const [name, value] of rows) expect(value.replaceAll(',', ''), name).toBe(String(ALL_LIMITS[name]))
  })

  test('names every limit that is marked as protocol', () => {
    const source = readFileSync(join(DOCS, '../protocol/limits/limits.ts'), 'utf8')
    const marked = [...source.matchAll(/^\/\*\* \(protocol\)[^\n]*\nexport const (\w+)/gm)].map(match => match[1] ?? '')
    expect(marked.length).toBeGreaterThan(5)
    const shown = rowsBelow('Limits that all compute units must agree on').map(([name]) => name)
    expect(shown).toEqual(expect.arrayContaining(marked))
  })

  test('lists the statuses of results in their order', () => {
    const section = page.split('\n## Results\n')[1]?.split('\n## ')[0] ?? ''
    const rows = [...section.matchAll(/^\| (\d) \| (\w+) \|/gm)].map(match => [Number(match[1]), match[2]])
    expect(rows).toEqual(RESULT_STATUSES.map((status, at) => [at, status]))
  })
})

test('docs/OPERATIONS.md names every setting of a node, its variable and its flag, and nothing else', async () => {
  const text = readFileSync(join(DOCS, 'OPERATIONS.md'), 'utf8')
  const rows = [...text.matchAll(/^\| (\w+) \| (`--([a-z-]+)`|–) \| `(ATOLL_[A-Z_]+)` \| /gm)]
  const { settings } = await loadConfig({ cwd: '/nowhere' })
  expect(rows.map(row => row[1])).toEqual(settings.map(({ name }) => name))
  const flags = new Set(Object.keys(COMMANDS.find(({ name }) => name === 'up')?.options ?? {}))
  for (const [, name = '', , flag, variable] of rows) {
    expect(variable).toBe(`ATOLL_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`)
    const option = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    expect(flag, name).toBe(flags.has(option) ? option : undefined)
  }
})

test('every page of the docs that a failure or another page names is there', () => {
  const named = new Set<string>()
  for (const next of Object.values(NEXT_STEPS))
    for (const [path] of next.matchAll(/docs\/[\w/-]+\.md/g)) named.add(path)
  for (const name of ['AGENTS', 'PROTOCOL', 'ARCHITECTURE', 'GLOSSARY', 'TESTING', 'OPERATIONS']) {
    const text = readFileSync(join(DOCS, `${name}.md`), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) named.add(join('docs', target))
  }
  for (const path of named) expect(() => readFileSync(join(DOCS, '..', path)), path).not.toThrow(/ENOENT/)
})
