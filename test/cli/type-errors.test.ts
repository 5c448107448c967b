import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { typeErrors } from '../../cli/project/type-errors.ts'
import { temporaryFolder } from './test-terminal.ts'

/** Below the repository, where its compiler is found. */
const PROJECT = join(import.meta.dirname, '../../.cache', `types-${process.pid}`)
const { signal } = new AbortController()

beforeAll(async () => {
  await mkdir(PROJECT, { recursive: true })
  await writeFile(join(PROJECT, 'tsconfig.json'), '{"compilerOptions":{"strict":true,"types":[]},"files":["a.ts"]}')
})
afterAll(() => rm(PROJECT, { recursive: true, force: true }))

it('tells what the compiler of a project says, in lines that can be read', async () => {
  await writeFile(join(PROJECT, 'a.ts'), "export const total: number = 'one'\n")
  expect(await typeErrors(PROJECT, signal)).toEqual([expect.stringMatching(/^a\.ts\(1,14\): error TS2322: /)])
  const many = Array.from({ length: 20 }, (_, n) => `export const n${n}: number = 'one'`)
  await writeFile(join(PROJECT, 'a.ts'), many.join('\n'))
  expect((await typeErrors(PROJECT, signal)).at(-1)).toBe('and 8 more')
  await writeFile(join(PROJECT, 'a.ts'), 'export const total: number = 1\n')
  expect(await typeErrors(PROJECT, signal)).toEqual([])
}, 60_000)

it('tells nothing where there is no compiler, or the look was ended', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'tsconfig.json'), '{}')
  expect(await typeErrors(folder.path, signal)).toEqual([])
  await writeFile(join(PROJECT, 'a.ts'), "export const total: number = 'one'\n")
  expect(await typeErrors(PROJECT, AbortSignal.abort())).toEqual([])
})
