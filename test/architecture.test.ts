import { matchesGlob, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { APART } from './apart.ts'
import {
  FILE_LENGTH_MAX_LINES,
  hasDefaultExport,
  nodeGlobals,
  PORTABLE,
  ROOMS,
  wrongImports,
  wrongName,
} from './architecture/rules.ts'
import { importsIn, sourceOf, sourcesOf, withoutComments } from './architecture/scan.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** Files that were longer than allowed when the rule, and the layout of lines, came: they may only shrink. */
const LONG_FILES: Readonly<Record<string, number>> = {
  'log/hypercore-log.ts': 340,
  'scheduler-unit/co-signing/voter.ts': 313,
  'compute-unit/compute-unit.ts': 349,
  'compute-unit/following/follower.ts': 479,
  'compute-unit/evaluation/hosted-process.ts': 399,
  'processes/canister/calls-taken.ts': 322,
  'testing/memory/memory-log.ts': 322,
}

const sources = Object.keys(ROOMS).flatMap(room => sourcesOf(ROOT, room))

describe('the rooms', () => {
  test('are listed from the ground up', () => {
    const below = new Set<string>()
    for (const [room, imports] of Object.entries(ROOMS)) {
      for (const name of imports) expect(below, `${room} → ${name}`).toContain(name)
      below.add(room)
    }
  })

  test('all have sources', () => {
    const found = new Set(sources.map(source => source.room))
    expect([...found].sort()).toEqual(Object.keys(ROOMS).sort())
  })

  test('import only what the table allows, through its door', () => {
    expect(sources.flatMap(wrongImports)).toEqual([])
  })

  test('that run in a browser use nothing of Node', () => {
    const portable = sources.filter(source => PORTABLE.includes(source.room))
    expect(portable.flatMap(source => nodeGlobals(source).map(name => `${source.path}: ${name}`))).toEqual([])
  })
})

describe('the files', () => {
  test('have no default exports', () => {
    const declared = sources.filter(source => !/\.d\.m?ts$/.test(source.path))
    expect(declared.filter(hasDefaultExport).map(source => source.path)).toEqual([])
  })

  test('have names in kebab-case, of words we use', () => {
    expect(sources.map(wrongName).filter(reason => reason !== undefined)).toEqual([])
  })

  test('are no longer than allowed', () => {
    const allowed = (path: string): number => LONG_FILES[path] ?? FILE_LENGTH_MAX_LINES
    const long = sources.filter(({ path, lines }) => lines > allowed(path))
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([])
  })

  test('that may be longer are no longer than they were', () => {
    const lengths = new Map(sources.map(({ path, lines }) => [path, lines]))
    const over = Object.entries(LONG_FILES).filter(([path]) => (lengths.get(path) ?? 0) > FILE_LENGTH_MAX_LINES)
    expect(Object.keys(LONG_FILES), 'take out what has shrunk').toEqual(over.map(([path]) => path))
  })
})

describe('the test files', () => {
  const units = sourcesOf(ROOT, 'test').filter(
    ({ path }) => path.endsWith('.test.ts') && !path.startsWith('test/network/'),
  )
  const isApart = (path: string): boolean => APART.some(pattern => matchesGlob(path, pattern))

  test('that replace a module, or count memory, have a program of their own', () => {
    const peculiar = units.filter(({ code }) => /\bvi\.(?:mock|doMock|resetModules)\(|\bmemoryUsage\(/.test(code))
    expect(peculiar.length).toBeGreaterThan(0)
    expect(peculiar.filter(({ path }) => !isApart(path)).map(({ path }) => path)).toEqual([])
  })

  test('share nothing that is set up when it is imported: of two in one program the second would not get it', () => {
    const helpers = sourcesOf(ROOT, 'test').filter(
      ({ path }) =>
        !path.endsWith('.test.ts') && !path.startsWith('test/network/') && path !== 'test/shared-program.ts',
    )
    const setUp = helpers.filter(({ code }) => /^(?:before|after)(?:All|Each)\(/m.test(code))
    expect(setUp.map(({ path }) => path)).toEqual([])
  })

  test('that have a program of their own are there', () => {
    expect(APART.filter(pattern => !units.some(({ path }) => matchesGlob(path, pattern)))).toEqual([])
  })
})

describe('the scanner', () => {
  test('sees every form of an import', () => {
    const text = [
      `import { a } from './a.ts'`,
      `import type { B } from "./b.ts"`,
      `import './side-effect.ts'`,
      `import c, {\n  d,\n  e,\n} from './c.ts'`,
      `import * as f from './f.ts'`,
      `export { g } from './g.ts'`,
      `export * from './h.ts'`,
      `export type { I } from './i.ts'`,
      `const j = await import('./j.ts')`,
      'const k = await import(`./k.ts`)',
      `type L = import('./l.ts').L`,
      `const m = require('./m.cjs')`,
    ].join('\n')
    expect(importsIn(withoutComments(text)).sort()).toEqual([
      './a.ts',
      './b.ts',
      './c.ts',
      './f.ts',
      './g.ts',
      './h.ts',
      './i.ts',
      './j.ts',
      './k.ts',
      './l.ts',
      './m.cjs',
      './side-effect.ts',
    ])
  })

  test('does not see what stands in comments, and is not led astray by strings', () => {
    const text = [
      `// import { a } from './a.ts'`,
      `/* import './b.ts' */`,
      `const c = 'https://example.org' // import './c.ts'`,
      'const d = `/* not a comment` ',
      `import { e } from './e.ts'`,
      `const f = /[/*]/`,
      `import { g } from './g.ts'`,
    ].join('\n')
    expect(importsIn(withoutComments(text)).sort()).toEqual(['./e.ts', './g.ts'])
  })

  const wrongIn = (path: string, text: string): string[] => wrongImports(sourceOf(path, text))

  test('refuses a sibling, a back door, a higher room and a package without its door', () => {
    expect(wrongIn('log/a.ts', `import { x } from '../gateway/index.ts'`)).toHaveLength(1)
    expect(wrongIn('sdk/a.ts', `import type { X } from '../node/index.ts'`)).toHaveLength(1)
    expect(wrongIn('protocol/a.ts', `export * from '../log/index.ts'`)).toHaveLength(1)
    expect(wrongIn('node/deep/a.ts', `import { x } from '../../log/journal/journal.ts'`)).toHaveLength(1)
    expect(wrongIn('node/a.ts', `import { x } from '../log/deep/index.ts'`)).toHaveLength(1)
    expect(wrongIn('node/a.ts', `const x = await import('../cli/main.ts')`)).toHaveLength(1)
    expect(wrongIn('node/a.ts', `import { x } from '../sdk/index.ts'`)).toHaveLength(1)
    expect(wrongIn('gateway/a.ts', `import Hypercore from 'hypercore'`)).toHaveLength(1)
    expect(wrongIn('gateway/a.ts', `import x from '@noble/curves/ed25519.js'`)).toHaveLength(1)
    expect(wrongIn('cli/a.ts', `import x from 'never-heard-of'`)).toHaveLength(1)
    expect(wrongIn('sdk/a.ts', `import { readFile } from 'node:fs'`)).toHaveLength(1)
    expect(wrongIn('log/a.ts', `import { x } from '../test/fakes/memory-log.ts'`)).toHaveLength(1)
  })

  test('lets pass what the table allows', () => {
    expect(wrongIn('log/a.ts', `import { x } from '../protocol/index.ts'\nimport { y } from './b.ts'`)).toEqual([])
    expect(wrongIn('node/a.ts', `import { x } from '../gateway/index.ts'\nimport { y } from 'node:path'`)).toEqual([])
    expect(wrongIn('log/deep/a.ts', `import Hypercore from 'hypercore'\nimport x from 'hypercore/lib/y.js'`)).toEqual(
      [],
    )
  })

  test('knows the globals of Node from words that only look like them', () => {
    const found = (text: string): string[] => nodeGlobals(sourceOf('protocol/a.ts', text))
    expect(found('const a = Buffer.from(b)')).toEqual(['Buffer'])
    expect(found('if (process.env.X) setImmediate(f)')).toEqual(['process.env', 'setImmediate'])
    expect(found(`const process = item.process\nreturn process.id + 'Buffer' // Buffer`)).toEqual([])
  })

  test('knows a default export, a long file and a bad name', () => {
    expect(hasDefaultExport(sourceOf('log/a.ts', 'export default function f() {}'))).toBe(true)
    expect(hasDefaultExport(sourceOf('log/a.ts', 'export { f as default }'))).toBe(true)
    expect(hasDefaultExport(sourceOf('log/a.ts', 'export const f = 1 // export default'))).toBe(false)
    expect(sourceOf('log/a.ts', 'a\nb\n').lines).toBe(2)
    expect(wrongName(sourceOf('log/feedManager.ts', ''))).toBeDefined()
    expect(wrongName(sourceOf('log/feed-manager.ts', ''))).toBeDefined()
    expect(wrongName(sourceOf('log/utils/feed.ts', ''))).toBeDefined()
    expect(wrongName(sourceOf('log/types.ts', ''))).toBeDefined()
    expect(wrongName(sourceOf('log/value-types.ts', ''))).toBeUndefined()
    expect(wrongName(sourceOf('log/feeds/open-feeds.ts', ''))).toBeUndefined()
  })
})
