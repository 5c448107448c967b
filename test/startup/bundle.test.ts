import { cp, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../cli/test-terminal.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let startup: typeof import('../../startup/index.ts')
const inputs = ['a.ts', 'b.ts']
const pathOf = (name: string): string => join(folder.path, name)

/** A clone of two sources, and a bundle that was made from them. */
beforeEach(async () => {
  folder = await temporaryFolder()
  await cp(join(import.meta.dirname, '../../startup'), pathOf('startup'), { recursive: true })
  startup = (await import(pathToFileURL(pathOf('startup/index.ts')).href)) as typeof startup
  for (const input of inputs) await writeFile(pathOf(input), `export const name = '${input}'\n`)
  await mkdir(pathOf(`.cache/programs/${startup.contentOf(inputs)}`), { recursive: true })
  await writeFile(
    pathOf('.cache/programs/bundle.json'),
    JSON.stringify({ key: startup.contentOf(inputs), inputs, fingerprint: startup.fingerprintOf(inputs) }),
  )
})
afterEach(() => folder[Symbol.asyncDispose]())

test('a bundle is used as long as nothing was touched', () => {
  expect(startup.freshBundle()?.href).toBe(
    pathToFileURL(`${pathOf('.cache/programs')}/${startup.contentOf(inputs)}/`).href,
  )
})

test('another text of the same length, with the times it had, is seen', async () => {
  const { atime, mtime } = await stat(pathOf('a.ts'))
  const text = await readFile(pathOf('a.ts'), 'utf8')
  // The clock of a file system may stand still for a few milliseconds.
  await expect
    .poll(async () => {
      await writeFile(pathOf('a.ts'), text.replace('name', 'mane'))
      await utimes(pathOf('a.ts'), atime, mtime)
      return startup.freshBundle()
    })
    .toBeUndefined()
})

test('a source that is copied is no other; one that is replaced by another or gone is seen', async () => {
  await cp(pathOf('a.ts'), pathOf('d.ts'))
  await rename(pathOf('d.ts'), pathOf('a.ts'))
  expect(startup.fingerprintOf(inputs)).not.toBe(
    JSON.parse(await readFile(pathOf('.cache/programs/bundle.json'), 'utf8')).fingerprint,
  )
  expect(startup.freshBundle()).toBeDefined()
  await cp(pathOf('a.ts'), pathOf('c.ts'), { preserveTimestamps: true })
  await rename(pathOf('c.ts'), pathOf('b.ts'))
  expect(startup.freshBundle()).toBeUndefined()
  await rm(pathOf('a.ts'))
  expect(startup.freshBundle()).toBeUndefined()
})

test('a bundle whose folder is gone is none', async () => {
  await rm(pathOf(`.cache/programs/${startup.contentOf(inputs)}`), { recursive: true })
  expect(startup.freshBundle()).toBeUndefined()
})

test('without a bundle, or with half of its description, the sources run', async () => {
  await writeFile(pathOf('.cache/programs/bundle.json'), '{"key":"ma')
  expect(startup.freshBundle()).toBeUndefined()
  await rm(pathOf('.cache'), { recursive: true })
  expect(startup.freshBundle()).toBeUndefined()
})
