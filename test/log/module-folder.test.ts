import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { diskFiles } from '../../log/journal/journal-files.ts'
import { ModuleFolder } from '../../log/store/module-folder.ts'
import { asModuleId, cryptoProvider, installCrypto } from '../../protocol/index.ts'
import { settle } from '../fakes/manual-clock.ts'
import { moduleItem, tagsOf } from '../fakes/signed-items.ts'
import { tempFolder } from './temp-folder.ts'

const MiB = 1024 * 1024

it('a module that several learn at once is written once, and known to all of them', async () => {
  await using temp = await tempFolder()
  const path = join(temp.path, 'modules')
  const folder = await ModuleFolder.open(diskFiles, path)
  const item = moduleItem(new Uint8Array(1_000_000), tagsOf({ 'Module-Format': 'actor' }))
  const added = await Promise.all(Array.from({ length: 8 }, () => folder.addModule(item)))
  expect(added.map(({ id }) => id)).toEqual(added.map(() => item.id))
  expect(await readdir(path)).toEqual([`${item.id}.item`])
  for (const { id } of added.slice(0, 1)) expect((await folder.module(id))?.wasm).toHaveLength(1_000_000)
})

it('modules that were asked for are at hand within a bound of bytes', async () => {
  await using temp = await tempFolder()
  const folder = await ModuleFolder.open(diskFiles, join(temp.path, 'modules'), { knownMaxBytes: 3 * MiB })
  const wasm = new Uint8Array(MiB)
  const added = [1, 2, 3, 4].map(() => moduleItem(wasm, tagsOf({ 'Module-Format': 'actor' })))
  const first: unknown[] = []
  for (const item of added) first.push(await folder.module((await folder.addModule(item)).id))
  const isKept: boolean[] = []
  for (const [at, { id }] of [...added.entries()].toReversed())
    isKept.unshift((await folder.module(asModuleId(id))) === first[at])
  expect(isKept).toEqual([false, true, true, true])
})

it('a module that many ask for at once is read once', async () => {
  await using temp = await tempFolder()
  const folder = await ModuleFolder.open(diskFiles, join(temp.path, 'modules'))
  const { id } = await folder.addModule(moduleItem(new Uint8Array(MiB), tagsOf({ 'Module-Format': 'actor' })))
  const items = await Promise.all(Array.from({ length: 50 }, () => folder.moduleItem(id)))
  expect(new Set(items).size).toBe(1)
  const modules = await Promise.all(Array.from({ length: 50 }, () => folder.module(id)))
  expect(new Set(modules).size).toBe(1)
})

it.each([
  ['cut short', (bytes: Uint8Array) => bytes.subarray(0, -100)],
  ['changed', (bytes: Uint8Array) => bytes.with(-1, 1)],
])('a module whose file was %s on the disk is one that is not here, until it is added again', async (_, damage) => {
  await using temp = await tempFolder()
  const path = join(temp.path, 'modules')
  const item = moduleItem(new Uint8Array(100_000), tagsOf({ 'Module-Format': 'actor' }))
  const { id } = await (await ModuleFolder.open(diskFiles, path)).addModule(item)
  await writeFile(join(path, `${id}.item`), damage(item.bytes))
  const damaged: string[] = []
  const folder = await ModuleFolder.open(diskFiles, path, { onDamaged: one => damaged.push(one) })
  expect(await folder.moduleItem(id)).toBeUndefined()
  expect(damaged).toEqual([id])
  expect(await folder.module(id)).toBeUndefined()
  expect(folder.modules({ limit: 10 })).toEqual([])
  await folder.addModule(item)
  expect((await folder.module(id))?.wasm).toHaveLength(100_000)
  const again = await ModuleFolder.open(diskFiles, path)
  expect(await again.moduleItem(id)).toEqual(item.bytes)
})

it('a module that is added while its damaged file is being removed stays', async () => {
  await using temp = await tempFolder()
  const path = join(temp.path, 'modules')
  const item = moduleItem(new Uint8Array(100_000), tagsOf({ 'Module-Format': 'actor' }))
  const { id } = await (await ModuleFolder.open(diskFiles, path)).addModule(item)
  await writeFile(join(path, `${id}.item`), item.bytes.with(-1, 1))
  const [removing, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const order: string[] = []
  const slow = {
    ...diskFiles,
    remove: async (file: string) => {
      removing.resolve()
      await go.promise
      await diskFiles.remove(file)
      order.push('removed')
    },
    replace: async (file: string, bytes: Uint8Array) => {
      order.push('written')
      await diskFiles.replace(file, bytes)
    },
  }
  const folder = await ModuleFolder.open(slow, path)
  const read = folder.moduleItem(id)
  await removing.promise
  const added = folder.addModule(item)
  await settle()
  go.resolve()
  expect(await read).toBeUndefined()
  await added
  expect(order).toEqual(['removed', 'written'])
  expect(await (await ModuleFolder.open(diskFiles, path)).moduleItem(id)).toEqual(item.bytes)
})

it('a module whose signature could not be checked stays on the disk', async () => {
  await using temp = await tempFolder()
  const path = join(temp.path, 'modules')
  const item = moduleItem(new Uint8Array(100_000), tagsOf({ 'Module-Format': 'actor' }))
  const { id } = await (await ModuleFolder.open(diskFiles, path)).addModule(item)
  const folder = await ModuleFolder.open(diskFiles, path)
  const provider = cryptoProvider()
  const failing = (): never => {
    throw new Error('the native part does not load')
  }
  installCrypto({ ...provider, ed25519Verify: failing })
  try {
    await expect(folder.moduleItem(id)).rejects.toThrow('the native part does not load')
  } finally {
    installCrypto(provider)
  }
  expect(await folder.moduleItem(id)).toEqual(item.bytes)
})
