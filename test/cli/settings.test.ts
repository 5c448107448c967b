import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ClientSettings, readSettings } from '../../cli/words/settings.ts'
import { run, temporaryFolder } from './test-terminal.ts'

const originOf = (settings: ClientSettings, name: string): unknown =>
  settings.shown.find(row => row.name === name)?.origin

test('a flag comes before the environment, that before the file, that before the default', async () => {
  await using home = await temporaryFolder()
  const read = (flags: Record<string, string>, env: Record<string, string>) =>
    readSettings({ flags, env: { ATOLL_HOME: home.path, ...env }, cwd: '/' })
  const plain = await read({}, {})
  expect([plain.url, originOf(plain, 'url')]).toEqual(['http://127.0.0.1:7333', 'default'])
  await writeFile(join(home.path, 'config.json'), '{"url":"http://file:1"}')
  const fromFile = await read({}, {})
  expect([fromFile.url, originOf(fromFile, 'url')]).toEqual(['http://file:1', 'file'])
  const fromEnvironment = await read({}, { ATOLL_URL: 'http://environment:1' })
  expect([fromEnvironment.url, originOf(fromEnvironment, 'url')]).toEqual(['http://environment:1', 'environment'])
  const fromFlag = await read({ url: 'http://flag:1' }, { ATOLL_URL: 'http://environment:1' })
  expect([fromFlag.url, originOf(fromFlag, 'url')]).toEqual(['http://flag:1', 'flag'])
})

test('the port of the node is where commands look for it', async () => {
  const settings = await readSettings({ flags: {}, env: { ATOLL_HOME: '/nowhere', ATOLL_PORT: '7411' }, cwd: '/' })
  expect(settings.url).toBe('http://127.0.0.1:7411')
  expect(originOf(settings, 'url')).toBe('environment')
})

test('a setting that cannot be is refused, wherever it stands', async () => {
  await using home = await temporaryFolder()
  const env = { ATOLL_HOME: home.path }
  expect((await run(['process', 'list', '--url', 'ftp://x'], { env })).code).toBe(2)
  expect((await run(['process', 'list', '--timeout', 'soon'], { env })).code).toBe(2)
  expect((await run(['process', 'list'], { env: { ...env, ATOLL_OUTPUT: 'xml' } })).code).toBe(2)
  for (const text of ['[]', 'nonsense', '{"nope":"1"}', '{"url":1}']) {
    await writeFile(join(home.path, 'config.json'), text)
    expect((await run(['process', 'list'], { env })).code, text).toBe(2)
  }
})
