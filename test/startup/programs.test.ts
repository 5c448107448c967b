import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { sha256Module } from '../../protocol/crypto/sha256-code.ts'
import { clearOthers, refuseWideCode } from '../../scripts/programs.mjs'
import { freshBundle } from '../../startup/index.ts'
import { holdBundle } from '../../startup/held-bundle.ts'
import { temporaryFolder } from '../cli/test-terminal.ts'

const folder = freshBundle() ?? expect.fail('no bundle was made')
const programs = (await readdir(folder)).filter(name => name.endsWith('.js'))
const textOf = (name: string): Promise<string> => readFile(new URL(name, folder), 'utf8')

test('a letter of a program takes the engine one byte', async () => {
  const wide = await Promise.all(programs.map(async name => /[^\0-\x7f]/.exec(await textOf(name))?.[0] ?? ''))
  expect(wide.join('')).toBe('')
})

test('no program makes at its start what is always the same', async () => {
  const bytes = Buffer.from(sha256Module()).toString('base64')
  expect(await textOf('host-main.js')).toContain(bytes)
})

test('where native parts lie is known before a program starts', async () => {
  const texts = (await Promise.all(programs.map(textOf))).join('')
  expect(texts).toContain('/node_modules/rocksdb-native/')
  expect(texts).not.toContain('node_modules/require-addon/')
})

test('a bundle that another machine mounts asks for the native parts of that machine', () => {
  const other = process.arch === 'arm64' ? 'x64' : 'arm64'
  const script = `Object.defineProperty(process, 'arch', { value: '${other}' }); await import('${new URL('node.js', folder)}')`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  expect(stderr).toContain(`/prebuilds/${process.platform}-${other}/`)
})

test('letters that the engine would hold as two bytes are escaped in comments, and refused where that may mean something else', async () => {
  await refuseWideCode(`/*! é */ // é\nexport const word = 'é' + \`é\` // é`)
  for (const code of ['/\\é/', '/[é]/', 'String.raw`é`'])
    await expect(refuseWideCode(`export const it = ${code}`)).rejects.toThrow('é')
})

test('what agents run on is that of the bundle, whatever is built while a node runs', async () => {
  expect(await readdir(new URL('build/', folder))).toEqual([expect.stringMatching(/^engine-.*\.wasm$/), 'prelude.js'])
  const texts = await Promise.all(programs.map(textOf))
  expect(texts.filter(text => text.includes('processes/agent/build'))).toEqual([])
})

test('a bundle that something runs from is not cleared away, however old it is', async () => {
  await using bundles = await temporaryFolder()
  const names = ['held', 'killed', 'c', 'd', 'e', 'f', 'new']
  for (const [seconds, name] of names.entries()) {
    const path = join(bundles.path, name)
    await mkdir(path)
    if (name === 'held') holdBundle(pathToFileURL(`${path}/`))
    if (name === 'killed') await writeFile(join(path, `held-by-${endedProcess()}`), '')
    await utimes(path, seconds, seconds)
  }
  clearOthers(bundles.path, 'new')
  expect((await readdir(bundles.path)).sort()).toEqual(['d', 'e', 'f', 'held', 'new'])
})

function endedProcess(): number {
  return spawnSync(process.execPath, ['--eval', '']).pid
}
