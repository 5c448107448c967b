import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { IdentityStore } from '../../cli/identity-store.ts'
import { createDataItem, ed25519Signer, fromBase64Url, secp256k1Signer, verifyDataItem } from '../../protocol/index.ts'
import { readSettings } from '../../cli/words/settings.ts'
import { run, temporaryFolder } from './test-terminal.ts'

test('an identity is a file that only its owner can read, and signs the same after it was read again', async () => {
  await using home = await temporaryFolder()
  const made = await new IdentityStore(home.path).create('alice')
  const path = join(home.path, 'identities', 'alice.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(join(home.path, 'identities'))).mode & 0o777).toBe(0o700)
  expect((await new IdentityStore(home.path).signer('alice')).address).toBe(made.address)
})

test('an identity is never written over', async () => {
  await using home = await temporaryFolder()
  const store = new IdentityStore(home.path)
  await store.create('alice')
  const before = await readFile(store.pathOf('alice'), 'utf8')
  await expect(store.create('alice')).rejects.toMatchObject({ code: 'already-there' })
  expect(await readFile(store.pathOf('alice'), 'utf8')).toBe(before)
})

test('an identity that found no room on the disk can be made once there is some', async () => {
  await using home = await temporaryFolder()
  await using file = await open(home.path, 'r')
  const writing = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'writeFile')
  onTestFinished(() => writing.mockRestore())
  writing.mockRejectedValueOnce(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
  const store = new IdentityStore(home.path)
  await expect(store.create('alice')).rejects.toThrow('no space left')
  const { address } = await store.create('alice')
  expect((await store.signer('alice')).address).toBe(address)
  expect(await readdir(join(home.path, 'identities'))).toEqual(['alice.json'])
})

test('a file that others can read is refused', async () => {
  await using home = await temporaryFolder()
  const store = new IdentityStore(home.path)
  await store.create('alice')
  await chmod(store.pathOf('alice'), 0o640)
  await expect(store.signer('alice')).rejects.toMatchObject({ code: 'open-keys' })
})

test('a name cannot lead out of the folder', async () => {
  await using home = await temporaryFolder()
  const store = new IdentityStore(home.path)
  for (const name of ['../alice', 'a/b', '', '.', '-x', 'a b', 'ä']) {
    expect(() => store.pathOf(name), name).toThrow(expect.objectContaining({ code: 'usage' }))
  }
  expect(await readdir(home.path)).toEqual([])
})

test('keys in PEM sign as what they are: the tools of the IC write them so', async () => {
  await using home = await temporaryFolder()
  const store = new IdentityStore(home.path)
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
  const secret = (key: KeyObject): Uint8Array => fromBase64Url(key.export({ format: 'jwk' }).d ?? '')
  const pkcs8 = { format: 'pem', type: 'pkcs8' } as const
  await store.import('a', String(ed25519.export(pkcs8)))
  await store.import('b', String(secp256k1.export(pkcs8)))
  await store.import('c', String(secp256k1.export({ format: 'pem', type: 'sec1' })))
  const address = secp256k1Signer(secret(secp256k1)).address
  expect(await store.list()).toEqual([
    { name: 'a', kind: 'ed25519', address: ed25519Signer(secret(ed25519)).address },
    { name: 'b', kind: 'secp256k1', address },
    { name: 'c', kind: 'secp256k1', address },
  ])
  const item = await createDataItem({ data: 'x', tags: [] }, await store.signer('b'))
  expect(verifyDataItem(item)).toBe(true)
})

test('what is no wallet and no key is not taken in', async () => {
  await using home = await temporaryFolder()
  const store = new IdentityStore(home.path)
  const pkcs8 = { format: 'pem', type: 'pkcs8' } as const
  const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const others = [
    p256.export(pkcs8),
    privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'secret' }),
    publicKey.export({ format: 'pem', type: 'spki' }),
  ]
  for (const text of [
    '',
    '{}',
    '{"kty":"RSA","n":"AQAB"}',
    'null',
    '-----BEGIN PRIVATE KEY-----',
    ...others.map(String),
  ]) {
    await expect(store.import('w', text), text).rejects.toMatchObject({ code: 'unsupported-key' })
  }
  expect(await store.list()).toEqual([])
})

test('the chosen identity signs until another is chosen, or named', async () => {
  await using home = await temporaryFolder()
  const env = { ATOLL_HOME: home.path }
  await run(['identity', 'new', 'alice'], { env })
  await run(['identity', 'new', 'bob'], { env })
  expect((await run(['identity', 'use', 'bob'], { env })).code).toBe(0)
  const settings = (flags: Record<string, string>) => readSettings({ flags, env, cwd: '/' })
  expect((await settings({})).identity).toBe('bob')
  expect((await settings({ identity: 'alice' })).identity).toBe('alice')
  const { code, stderr } = await run(['identity', 'use', 'carol'], { env })
  expect(code).toBe(5)
  expect(stderr).toContain('AT2008')
})

test('secrets are in no output', async () => {
  await using home = await temporaryFolder()
  const env = { ATOLL_HOME: home.path }
  const made = await run(['identity', 'new', 'alice', '-o', 'json'], { env })
  const { seed } = JSON.parse(await readFile(join(home.path, 'identities', 'alice.json'), 'utf8')) as { seed: string }
  const listed = await run(['identity', 'list', '-o', 'json'], { env })
  expect(seed).toHaveLength(43)
  for (const { stdout, stderr } of [made, listed]) expect(stdout + stderr).not.toContain(seed)
})
