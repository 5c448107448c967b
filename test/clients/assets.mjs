/**
 * The client of the IC's asset canister as it is, against an asset canister in Motoko on a node; and
 * the verification of the IC's HTTP gateways, of a page that a canister serves.
 *
 *     node assets.mjs <url> <assets.wasm> <page.wasm>
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Actor, Cbor, HttpAgent, reconstruct } from '@dfinity/agent'
import { AssetManager } from '@dfinity/assets'
import { IDL } from '@dfinity/candid'
import { Ed25519KeyIdentity } from '@dfinity/identity'
import { Principal } from '@dfinity/principal'
import { verifyRequestResponsePair } from '@dfinity/response-verification'
import { managementOf } from './management.mjs'
import { run } from './scenario.mjs'

const [host, path, pagePath] = process.argv.slice(2)
const agent = await HttpAgent.create({ host, identity: Ed25519KeyIdentity.generate(randomBytes(32)), shouldFetchRootKey: true, retryTimes: 1 })
const large = randomBytes(450_000)
let assets
let page

const pageService = () =>
  IDL.Service({
    set: IDL.Func([IDL.Record({ body: IDL.Vec(IDL.Nat8), tree: IDL.Vec(IDL.Nat8), root: IDL.Vec(IDL.Nat8) })], [], []),
    http_request: IDL.Func(
      [IDL.Record({ url: IDL.Text })],
      [IDL.Record({ status_code: IDL.Nat16, headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)), body: IDL.Vec(IDL.Nat8) })],
      ['query'],
    ),
  })

/** What the IC's gateways do with a response; throws if it does not hold. */
const verified = (response, rootKey) => {
  const request = { url: '/index.html', method: 'GET', body: new Uint8Array(0), headers: [], certificate_version: [] }
  const nowNs = BigInt(Date.now()) * 1_000_000n
  return verifyRequestResponsePair(request, response, page.id.toUint8Array(), nowNs, 300_000_000_000n, rootKey, 1)
}

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
  'verifies a page by the certificate that comes with it': async () => {
    const management = managementOf({ Actor, IDL, Principal, agent })
    const id = await management.create()
    await management.install(id, new Uint8Array(readFileSync(pagePath)))
    page = { id, actor: Actor.createActor(pageService, { agent, canisterId: id }) }
    const body = Buffer.from('<h1>hello</h1>')
    const label = text => new Uint8Array(Buffer.from(text))
    const leaf = [3, new Uint8Array(createHash('sha256').update(body).digest())]
    const tree = [2, label('http_assets'), [2, label('/index.html'), leaf]]
    await page.actor.set({ body, tree: new Uint8Array(Cbor.encode(tree)), root: new Uint8Array(await reconstruct(tree)) })
    page.response = await page.actor.http_request({ url: '/index.html' })
    assert.equal(page.response.status_code, 200)
    const { response } = verified(page.response, agent.rootKey)
    assert.equal(Buffer.from(response.body).toString(), '<h1>hello</h1>')
  },
  'refuses another page, and another root key': async () => {
    assert.throws(() => verified({ ...page.response, body: Buffer.from('<h1>forged</h1>') }, agent.rootKey))
    const otherKey = Uint8Array.from(agent.rootKey)
    otherKey[otherKey.length - 1] ^= 1
    assert.throws(() => verified(page.response, otherKey))
  },
})
