import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AtollProgram } from './atoll-program.ts'
import { temporaryFolder } from './test-terminal.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Below the repository, where the packages of a project would be found too. */
const PROJECT = join(ROOT, '.cache', `installed-${process.pid}`)
const PACKAGE = join(PROJECT, 'node_modules/atoll')

const node = (...words: string[]) => promisify(execFile)(process.execPath, words, { cwd: PROJECT, timeout: 180_000 })

beforeAll(async () => {
  await mkdir(PACKAGE, { recursive: true })
  await writeFile(join(PROJECT, 'package.json'), '{"name":"project"}')
  await cp(join(ROOT, 'package.json'), join(PACKAGE, 'package.json'))
  await node(join(ROOT, 'scripts/build.mjs'), join(PACKAGE, 'dist'))
}, 180_000)

afterAll(() => rm(PROJECT, { recursive: true, force: true }))

test('the command of an installed package is JavaScript that can be run, and evaluates', {
  timeout: 180_000,
}, async () => {
  await using folder = await temporaryFolder()
  const main = join(PACKAGE, 'dist/cli/main.js')
  expect((await stat(main)).mode & 0o111).toBe(0o111)
  const words = ['up', '--demo', '--port', '0', '--data', join(folder.path, 'data')]
  await using program = new AtollProgram(words, { ATOLL_HOME: join(folder.path, 'home') }, main)
  await program.until(/5 results verified here[\s\S]*--help/)
  expect(await program.stop()).toBe(0)
})

test('the command says so if the Node is too old for it', async () => {
  const hook = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })"
  const words = ['--import', `data:text/javascript,${hook}`, join(PACKAGE, 'dist/cli/main.js'), 'doctor']
  const failed = await node(...words).catch(error => error)
  expect([failed.code, failed.stdout]).toEqual([1, ''])
  expect(failed.stderr).toMatch(/^atoll needs Node 24, this is 20\.1\.0: .*\n$/)
})

test('what a package exports can be imported by its name', async () => {
  const path = join(PROJECT, 'imports.mjs')
  await writeFile(
    path,
    `
    import { connect } from 'atoll'
    import { FAILURES } from 'atoll/protocol'
    import { createNode } from 'atoll/node'
    console.log(typeof connect, FAILURES.timeout.number, typeof createNode)
  `,
  )
  expect((await node(path)).stdout).toBe('function 3002 function\n')
})

test('npm create atoll begins a project', async () => {
  const creator = join(PROJECT, 'node_modules/create-atoll')
  await cp(join(ROOT, 'create-atoll'), creator, { recursive: true })
  await cp(join(ROOT, 'templates'), join(PACKAGE, 'templates'), { recursive: true })
  await mkdir(join(PROJECT, 'node_modules/.bin'), { recursive: true })
  await symlink(join(creator, 'create-atoll.js'), join(PROJECT, 'node_modules/.bin/create-atoll'))
  const npm = promisify(execFile)('npm', ['create', 'atoll', 'counter', 'hits'], { cwd: PROJECT, timeout: 180_000 })
  expect((await npm).stdout).toContain('hits: a project of the template counter')
  expect(await readdir(join(PROJECT, 'hits'))).toEqual(expect.arrayContaining(['counter.contract.ts', 'package.json']))

  const [{ version }, { version: own, dependencies }] = await Promise.all(
    [ROOT, creator].map(async folder => JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))),
  )
  expect([own, dependencies.atoll]).toEqual([version, version])
}, 180_000)

test('what begins a project is packed with its licence, and is not published by mistake', async () => {
  const folder = join(ROOT, 'create-atoll')
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json'], { cwd: folder })
  const [{ files }] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }]
  expect(files.map(({ path }) => path).sort()).toEqual(['LICENSE', 'README.md', 'create-atoll.js', 'package.json'])
  const [licence, root] = await Promise.all([folder, ROOT].map(place => readFile(join(place, 'LICENSE'), 'utf8')))
  expect(licence).toBe(root)
  const { private: isPrivate, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  expect([isPrivate, license]).toEqual([true, 'Apache-2.0'])
}, 180_000)
