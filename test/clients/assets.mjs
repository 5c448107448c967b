/**
 * The client of the IC's asset canister as it is, against an asset canister in Motoko on a node.
 *
 *     node assets.mjs <url> <assets.wasm>
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Actor, HttpAgent } from '@dfinity/agent'
import { AssetManager } from '@dfinity/assets'
import { IDL } from '@dfinity/candid'
import { Ed25519KeyIdentity } from '@dfinity/identity'
import { Principal } from '@dfinity/principal'
import { managementOf } from './management.mjs'
import { run } from './scenario.mjs'

const [host, path] = process.argv.slice(2)
const agent = await HttpAgent.create({ host, identity: Ed25519KeyIdentity.generate(randomBytes(32)), shouldFetchRootKey: true, retryTimes: 1 })
const large = randomBytes(450_000)
let assets

const bytesOf = async key => {
  const asset = await assets.get(key)
  const parts = []
  await asset.getChunks((index, chunk) => {
    parts[index] = chunk
  })
  return Buffer.concat(parts)
}

await run({
  'makes an asset canister': async () => {
    const management = managementOf({ Actor, IDL, Principal, agent })
    const canisterId = await management.create()
    await management.install(canisterId, new Uint8Array(readFileSync(path)))
    assets = new AssetManager({ canisterId, agent, maxSingleFileSize: 200_000, maxChunkSize: 200_000 })
    assert.deepEqual(await assets.list(), [])
  },
  'stores a small asset in one piece': async () => {
    assert.equal(await assets.store(Buffer.from('hello'), { fileName: 'hello.txt' }), '/hello.txt')
    const [{ key, content_type }] = await assets.list()
    assert.deepEqual([key, content_type], ['/hello.txt', 'text/plain'])
    assert.equal((await bytesOf('/hello.txt')).toString(), 'hello')
  },
  'stores a large one in chunks': async () => {
    await assets.store(large, { fileName: 'large.bin', path: '/some' })
    assert.deepEqual(await bytesOf('/some/large.bin'), large)
  },
  'commits many as one': async () => {
    const batch = assets.batch()
    await batch.store(Buffer.from('one'), { fileName: 'one.txt' })
    await batch.store(Buffer.from('two'), { fileName: 'two.txt' })
    await batch.delete('/hello.txt')
    await batch.commit()
    assert.deepEqual((await assets.list()).map(({ key }) => key).sort(), ['/one.txt', '/some/large.bin', '/two.txt'])
  },
  'reads nothing of what is deleted': async () => {
    await assert.rejects(assets.get('/hello.txt'), /asset not found/)
    await assets.clear()
    assert.deepEqual(await assets.list(), [])
  },
})
