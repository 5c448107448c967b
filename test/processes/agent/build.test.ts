import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { buildAgentRuntime } from '../../../processes/agent/build.mjs'
import { holdPrelude, readEngine, readPrelude } from '../../../processes/agent/built-files.ts'
import expected from '../../../processes/agent/engine-hash.json' with { type: 'json' }
import { HostFault } from '../../../protocol/index.ts'
import { temporaryFolder } from '../../cli/test-terminal.ts'

const ENGINE = `engine-${expected.sha256.slice(0, 8)}.wasm`
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const urlOf = (path: string): URL => pathToFileURL(join(path, '/'))

it('leaves what agents run on, with the licence of what others wrote of it', async () => {
  await using folder = await temporaryFolder()
  expect(await buildAgentRuntime(folder.path)).toBe('built')
  expect(hashOf(readEngine(urlOf(folder.path)))).toBe(expected.sha256)
  expect(readPrelude(urlOf(folder.path))).not.toHaveLength(0)
  const licence = await readFile(join(folder.path, 'engine-LICENSE.txt'), 'utf8')
  expect(licence).toContain(await readFile('node_modules/quickjs-wasi/LICENSE', 'utf8'))
  const licences = await readFile(join(folder.path, 'prelude-LICENSES.txt'), 'utf8')
  for (const path of ['croner/LICENSE', 'whatwg-url-without-unicode/LICENSE.txt', 'punycode/LICENSE-MIT.txt'])
    expect(licences).toContain((await readFile(`node_modules/${path}`, 'utf8')).trim())
  expect(await buildAgentRuntime(folder.path)).toBe('fresh')
})

it('makes an engine again that was cut short, damaged or deleted, and leaves those of other versions', async () => {
  await using folder = await temporaryFolder()
  await buildAgentRuntime(folder.path)
  await writeFile(join(folder.path, 'engine-00000000.wasm'), 'of another version')
  await writeFile(join(folder.path, ENGINE), 'cut short')
  expect(() => readEngine(urlOf(folder.path))).toThrow(/damaged.*npm run setup/)
  expect(await buildAgentRuntime(folder.path)).toBe('built')
  await rm(join(folder.path, ENGINE))
  expect(() => readEngine(urlOf(folder.path))).toThrow(HostFault)
  expect(await buildAgentRuntime(folder.path)).toBe('built')
  expect(hashOf(readEngine(urlOf(folder.path)))).toBe(expected.sha256)
  expect(await readdir(folder.path)).toContain('engine-00000000.wasm')
})

it('takes no prelude of other sources than lie beside it, and says what to do', async () => {
  await using folder = await temporaryFolder()
  expect(holdPrelude(urlOf(folder.path))).toThrow(/cannot be read: "npm run setup"/)
  await buildAgentRuntime(folder.path)
  expect(holdPrelude(urlOf(folder.path))()).toEqual(readPrelude(urlOf(folder.path)))
  await writeFile(join(folder.path, 'stamp'), 'of another version')
  expect(holdPrelude(urlOf(folder.path))).toThrow(HostFault)
  expect(holdPrelude(urlOf(folder.path))).toThrow(/prelude\.js is not of the sources.*npm run setup.*restart/)
})
