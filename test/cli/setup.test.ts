import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VERSION } from '../../cli/version.ts'
import { completeLockfile } from '../../scripts/complete-lockfile.mjs'
import { reasonToInstall } from '../../scripts/setup.mjs'
import { temporaryFolder } from './test-terminal.ts'

const ROOT = join(import.meta.dirname, '../..')
const LOCK = {
  packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/o': { version: '1.0.0', optional: true } },
}

async function clone(installed: object | undefined) {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'package-lock.json'), JSON.stringify(LOCK))
  if (installed === undefined) return folder
  const bin = join(folder.path, 'node_modules/node/bin')
  await mkdir(bin, { recursive: true })
  for (const name of ['node', 'node.exe']) await writeFile(join(bin, name), '')
  await chmod(join(bin, 'node'), 0o755)
  await writeFile(join(folder.path, 'node_modules/.package-lock.json'), JSON.stringify(installed))
  return folder
}

test('a fresh clone needs its dependencies', async () => {
  await using folder = await clone(undefined)
  expect(reasonToInstall(folder.path)).toBe('nothing is installed yet')
})

test('what npm installed from the same lockfile is taken as it is', async () => {
  await using folder = await clone({ packages: { 'node_modules/a': { version: '1.0.0' } } })
  expect(reasonToInstall(folder.path)).toBeUndefined()
})

test('another version, a half installation and a missing Node are found', async () => {
  await using other = await clone({ packages: { 'node_modules/a': { version: '0.9.0' } } })
  expect(reasonToInstall(other.path)).toBe('a is not 1.0.0')
  await rm(join(other.path, 'node_modules/.package-lock.json'))
  expect(reasonToInstall(other.path)).toBe('an earlier installation did not end')
  await rm(join(other.path, 'node_modules/node'), { recursive: true })
  expect(reasonToInstall(other.path)).toBe('the pinned Node is missing')
})

test('a stamp is believed only for the very lockfile it was made from', async () => {
  await using folder = await clone({ packages: {} })
  expect(reasonToInstall(folder.path)).toBe('a is not 1.0.0')
  const stamp = createHash('sha256').update(JSON.stringify(LOCK)).digest('hex')
  await writeFile(join(folder.path, 'node_modules/.atoll-setup'), stamp)
  expect(reasonToInstall(folder.path)).toBeUndefined()
  await writeFile(join(folder.path, 'package-lock.json'), JSON.stringify({ ...LOCK, changed: true }))
  expect(reasonToInstall(folder.path)).toBe('a is not 1.0.0')
})

test('our lockfile names the packages of every platform', async () => {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Parameters<
    typeof completeLockfile
  >[0]
  expect(completeLockfile(lock)).toEqual([])
})

test('a package of another platform is entered with its system, processor and C library', () => {
  const lock = {
    packages: {
      'node_modules/x': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: { '@x/linux-x64-musl': '1.0.0', plain: '2.0.0' },
      },
    },
  }
  expect(completeLockfile(lock)).toEqual(['@x/linux-x64-musl'])
  expect(lock.packages).toMatchObject({
    'node_modules/@x/linux-x64-musl': {
      version: '1.0.0',
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
      dev: true,
      optional: true,
    },
  })
  expect(completeLockfile(lock)).toEqual([])
})

test('the command says the version of the package', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(VERSION).toBe(version)
})
