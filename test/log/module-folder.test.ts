import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { diskFiles } from '../../log/journal-files.ts'
import { ModuleFolder } from '../../log/module-folder.ts'
import { moduleItem, tagsOf } from '../fakes/signed-items.ts'
import { tempFolder } from './temp-folder.ts'

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
