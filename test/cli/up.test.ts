import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../sdk/index.ts'
import { AtollProgram } from './atoll-program.ts'
import { documents, temporaryFolder } from './test-terminal.ts'

test('the first start shows two processes at work, checks them, and stays up; the second finds them again', async () => {
  await using folder = await temporaryFolder()
  const env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_DATA: join(folder.path, 'data'), ATOLL_PORT: '0' }
  {
    await using program = new AtollProgram(['up', '--demo'], env)
    await program.until(/next, in another terminal:[\s\S]*--help/)
    expect(program.stdout).toMatch(/API +http:\/\/127\.0\.0\.1:\d+\/v1/)
    expect(program.stdout).toContain('✔ settled in ')
    expect(program.stdout.match(/Ping → p[io]ng/g)).toHaveLength(4)
    expect(program.stdout).toContain('✔ 5 results verified here')
    expect(program.stdout).not.toContain('\u001b')
    expect(await program.stop()).toBe(0)
    expect(program.stderr).toContain('stopping')
  }
  await using program = new AtollProgram(['up', '--demo'], env)
  await program.until(/found again .*: 2 processes\n[\s\S]*pong.*\n/)
  expect(program.stdout).not.toContain('first start')
  expect(await program.stop('SIGTERM')).toBe(0)
})

test('one document says that a node serves, and nothing else stands on standard output', async () => {
  await using folder = await temporaryFolder()
  const words = ['up', '--port', '0', '--data', join(folder.path, 'data'), '-o', 'ndjson']
  await using program = new AtollProgram(words, { ATOLL_HOME: join(folder.path, 'home') })
  await program.until(/\n/)
  const [ready = {}, ...rest] = documents(program.stdout)
  expect(rest).toEqual([])
  expect(ready).toMatchObject({ $type: 'node.ready', v: 1, scheduler: expect.stringMatching(/^[\w-]{43}$/) })
  expect(ready['authority']).toBe(ready['scheduler'])
  expect((await connect(String(ready['url'])).node()).key).toBe(ready['scheduler'])
  expect(await program.stop()).toBe(0)
  expect(documents(program.stdout)).toHaveLength(1)
})

test('a port and a data folder that are taken are named', async () => {
  await using folder = await temporaryFolder()
  const env = { ATOLL_HOME: join(folder.path, 'home') }
  const data = join(folder.path, 'data')
  await using first = new AtollProgram(['up', '--port', '0', '--data', data, '-o', 'ndjson'], env)
  await first.until(/\n/)
  const { port } = new URL(String(documents(first.stdout)[0]?.['url']))
  await using samePort = new AtollProgram(['up', '--port', port, '--data', join(folder.path, 'other')], env)
  expect(await samePort.ended()).toBe(1)
  expect(samePort.stderr).toContain('AT4008')
  await using sameData = new AtollProgram(['up', '--port', '0', '--data', data], env)
  expect(await sameData.ended()).toBe(1)
  expect(sameData.stderr).toContain('AT4004')
  expect(sameData.stderr).toContain(`a node runs there already; folder: ${data}`)
})

test('a data folder that cannot be made is named', async () => {
  await using folder = await temporaryFolder()
  const env = { ATOLL_HOME: join(folder.path, 'home') }
  await writeFile(join(folder.path, 'file'), '')
  const places: [string, string][] = [[join(folder.path, 'file/data'), 'AT1020']]
  if (process.platform === 'linux') places.push(['/proc/nowhere/data', 'AT1019'])
  for (const [place, code] of places) {
    await using program = new AtollProgram(['up', '--port', '0', '--data', place], env)
    expect(await program.ended()).toBe(1)
    expect(program.stderr).toContain(code)
  }
})

test('a program that is interrupted while it waits ends with 130', async () => {
  await using folder = await temporaryFolder()
  const env = { ATOLL_HOME: join(folder.path, 'home') }
  await using node = new AtollProgram(['up', '--demo', '--port', '0', '--data', join(folder.path, 'data')], env)
  const [, url = ''] = await node.until(/API +(\S+)\/v1[\s\S]*--help/)
  await using follower = new AtollProgram(['results', 'ping', '-f', '--from', '0', '--url', url], env)
  await follower.until(/Ping|ok/)
  expect(await follower.stop()).toBe(130)
})

test('a first start needs no folder for identities', async () => {
  await using folder = await temporaryFolder()
  // A file where a folder is wanted: nothing can be made below it.
  await mkdir(join(folder.path, 'home'))
  await writeFile(join(folder.path, 'home/identities'), '')
  const words = ['up', '--demo', '--port', '0', '--data', join(folder.path, 'data')]
  await using program = new AtollProgram(words, { ATOLL_HOME: join(folder.path, 'home') })
  await program.until(/5 results verified here/)
  expect(program.stderr).toContain('a passing key signs')
  expect(await program.stop()).toBe(0)
})

test('a copy of a data folder starts only if somebody says that no other copy went on', async () => {
  await using folder = await temporaryFolder()
  const env = { ATOLL_HOME: join(folder.path, 'home') }
  const [data, copy] = [join(folder.path, 'data'), join(folder.path, 'copy')]
  {
    await using program = new AtollProgram(['up', '--port', '0', '--data', data, '-o', 'ndjson'], env)
    await program.until(/node.ready/)
    expect(await program.stop()).toBe(0)
  }
  await cp(data, copy, { recursive: true })
  await using refused = new AtollProgram(['up', '--port', '0', '--data', copy, '-o', 'ndjson'], env)
  expect(await refused.ended()).toBe(1)
  expect(refused.stderr).toContain('AT4003')
  await using accepted = new AtollProgram(
    ['up', '--port', '0', '--data', copy, '--accept-restored', '-o', 'ndjson'],
    env,
  )
  await accepted.until(/node.ready/)
  expect(await accepted.stop()).toBe(0)
})
