import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openKeystore } from '../../node/keystore.ts'
import { makeSecret } from '../../secrets/index.ts'

/** A disk whose files have one name each. */
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const link = vi.fn(() => Promise.reject(Object.assign(new Error('not supported'), { code: 'EOPNOTSUPP' })))
  return { ...real, link }
})

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

it('keys are made, and once, where files have one name each', async () => {
  const folder = await freshFolder()
  const [one, other] = await Promise.all([openKeystore(folder), openKeystore(folder)])
  expect(one).toEqual(other)
  expect(await openKeystore(folder)).toEqual(one)
  expect((await readdir(folder)).toSorted()).toEqual(['admin-token', 'node-key'])
  expect((await stat(join(folder, 'node-key'))).mode & 0o777).toBe(0o600)
})

it('so are identities', async () => {
  const path = join(await freshFolder(), 'alice.json')
  expect([await makeSecret(path, 'first'), await makeSecret(path, 'second')]).toEqual([true, false])
})
