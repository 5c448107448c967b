import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeSecret, refuseOpen } from '../../secrets/index.ts'

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-secrets-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe('a secret', () => {
  test('is made once, whoever comes at the same time, and nothing else is left', async () => {
    const folder = await freshFolder()
    const path = join(folder, 'token')
    const texts = ['a', 'b', 'c', 'd']
    const made = await Promise.all(texts.map(text => makeSecret(path, text)))
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toBe(texts[made.indexOf(true)])
    expect(await readdir(folder)).toEqual(['token'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('that cannot be made leaves nothing', async () => {
    const folder = await freshFolder()
    await expect(makeSecret(join(folder, 'no-folder', 'token'), 'a')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await readdir(folder)).toEqual([])
  })

  test('is refused if others can read it, and so is what a link leads to', async () => {
    const path = join(await freshFolder(), 'token')
    await makeSecret(path, 'a')
    await symlink(path, `${path}.link`)
    await refuseOpen(path)
    await refuseOpen(`${path}.link`)
    await chmod(path, 0o640)
    const refused = { code: 'open-keys', details: { mode: '640', expected: '600' } }
    await expect(refuseOpen(path)).rejects.toMatchObject(refused)
    await expect(refuseOpen(`${path}.link`)).rejects.toMatchObject(refused)
  })
})
