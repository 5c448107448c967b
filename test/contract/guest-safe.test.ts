import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import { importsIn, sourcesOf, withoutComments } from '../architecture/scan.ts'

const ROOT = join(import.meta.dirname, '../..')

test('of other rooms the contract room takes types alone: it runs inside processes', () => {
  const sources = sourcesOf(ROOT, 'contract')
  expect(sources.length).toBeGreaterThan(10)
  for (const { path, code } of sources) {
    const values = withoutComments(code).replace(/\b(?:import|export)\s+type\b[^'"]*from\s*'[^']+'/g, '')
    expect(
      importsIn(values).filter(specifier => !specifier.startsWith('./')),
      path,
    ).toEqual([])
  }
})

test('what a process bundles of it is small, and without what only clients and tools need', async () => {
  const entry = 'entry-of-a-process'
  const bundle = await rolldown({
    input: entry,
    platform: 'neutral',
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === entry ? id : undefined),
        load: id =>
          id === entry
            ? `import { contract, message, query, durationMs, checkInput } from '${join(ROOT, 'contract/index.ts')}'\nglobalThis.x = [contract, message, query, durationMs, checkInput]`
            : undefined,
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'iife', minify: true })
  await bundle.close()
  expect(output).toHaveLength(1)
  const [{ code }] = output
  expect(code.length).toBeLessThan(6_000)
  expect(code).not.toMatch(/openapi|draft-2020|completions/)
})
