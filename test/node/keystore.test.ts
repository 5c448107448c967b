import { mkdtemp, open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openKeystore } from '../../node/keystore.ts'

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function freshKeys() {
  const folder = await freshFolder()
  return { folder, keys: await openKeystore(folder) }
}

it('keys are the same at the next start', async () => {
  const { folder, keys } = await freshKeys()
  expect(await openKeystore(folder)).toEqual(keys)
})

it('a first start that ends before its keys are written keeps no later start from making them', async () => {
  const folder = await freshFolder()
  await using file = await open(folder, 'r')
  const writing = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'writeFile')
  writing.mockRejectedValueOnce(new Error('the power is gone'))
  onTestFinished(() => writing.mockRestore())
  await expect(openKeystore(folder)).rejects.toThrow('the power is gone')
  const keys = await openKeystore(folder)
  expect(await openKeystore(folder)).toEqual(keys)
})

it('two first starts at once have the same keys, and leave nothing else behind', async () => {
  const folder = await freshFolder()
  const [one, other] = await Promise.all([openKeystore(folder), openKeystore(folder)])
  expect(one).toEqual(other)
  expect((await readdir(folder)).toSorted()).toEqual(['admin-token', 'node-key'])
})

it.each(['node-key', 'admin-token'])('no start takes a %s that was cut short, at any place', async name => {
  const { folder } = await freshKeys()
  const path = join(folder, name)
  for (let length = (await readFile(path, 'utf8')).trim().length - 1; length >= 0; length -= 3) {
    await truncate(path, length)
    await expect(openKeystore(folder), `${length} characters`).rejects.toMatchObject({ code: 'data-folder-damaged' })
  }
})

it('an admin token that was removed is made anew, and the key stays', async () => {
  const { folder, keys } = await freshKeys()
  await rm(join(folder, 'admin-token'))
  const again = await openKeystore(folder)
  expect(again.key).toBe(keys.key)
  expect(again.adminToken).not.toBe(keys.adminToken)
})
