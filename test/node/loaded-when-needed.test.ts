import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createNode } from '../../node/index.ts'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'

it('a node loads libsecp256k1 for the first signature of its kind, and not to start', async () => {
  const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter(path => path.includes('/secp256k1/'))
  const data = await mkdtemp(join(tmpdir(), 'atoll-start-'))
  onTestFinished(() => rm(data, { recursive: true }))
  await using node = await createNode({ data, port: 0, listen: ['0'] })
  expect(await (await fetch(`${node.url}/v1/node`)).json()).toMatchObject({ key: node.key })
  expect(loaded()).toEqual([])
  expect(nativeCrypto.secp256k1PublicKey(new Uint8Array(32).fill(1))).toHaveLength(65)
  expect(loaded()).not.toEqual([])
})
