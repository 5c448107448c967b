/**
 * The client of the IC's asset canister as it is, against an asset canister in Motoko on a node; and
 * the verification of the IC's HTTP gateways, of a page that a canister serves.
 *
 *     node assets.mjs <url> <assets.wasm> <page.wasm>
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { Actor, Cbor, hashOfMap, HttpAgent, reconstruct } from '@dfinity/agent'
import { AssetManager } from '@dfinity/assets'
import { IDL } from '@dfinity/candid'
import { Ed25519KeyIdentity } from '@dfinity/identity'
import { Principal } from '@dfinity/principal'
import { verifyRequestResponsePair } from '@dfinity/response-verification'
import { managementOf } from './management.mjs'
import { run } from './scenario.mjs'

const [host, path, pagePath] = process.argv.slice(2)
const agent = await HttpAgent.create({
  host,
  identity: Ed25519KeyIdentity.generate(randomBytes(32)),
  shouldFetchRootKey: true,
  retryTimes: 1,
})
const large = randomBytes(450_000)
let assets
let page

const HEADERS = IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text))
const BYTES = IDL.Vec(IDL.Nat8)
const pageService = () =>
  IDL.Service({
    set: IDL.Func([IDL.Record({ body: BYTES, tree: BYTES, root: BYTES, headers: HEADERS, more: IDL.Text })], [], []),
  })

const sha = (...parts) => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest())
const label = text => new Uint8Array(Buffer.from(text))
const serve = async ({ body, tree, headers = [], more = '' }) =>
  page.actor.set({
    body,
    tree: new Uint8Array(Cbor.encode(tree)),
    root: new Uint8Array(await reconstruct(tree)),
    headers,
    more,
  })

/** A page as a client of the node's HTTP gateway gets it: at the node, or at the canister's own host. */
const visit = (path, { headers = {}, method = 'GET', body, own = false } = {}) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(host)
    const at = own ? path : `${path}${path.includes('?') ? '&' : '?'}canisterId=${page.id}`
    const hostHeader = own ? { host: `${page.id}.localhost:${port}` } : {}
    const sent = request({ hostname, port, path: at, method, headers: { ...hostHeader, ...headers } }, answer => {
      const parts = []
      answer.on('data', part => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({
          status: answer.statusCode,
          headers: answer.headers,
          raw: answer.rawHeaders,
          body: Buffer.concat(parts),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })

/** What the IC's gateways do with a response; throws if it does not hold. */
const verified = ({ status, raw, body }, rootKey, version, url = '/index.html') => {
  const headers = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]]] : []))
  const asked = { url, method: 'GET', body: new Uint8Array(0), headers: [], certificate_version: [version] }
  const nowNs = BigInt(Date.now()) * 1_000_000n
  return verifyRequestResponsePair(
    asked,
    { status_code: status, headers, body },
    page.id.toUint8Array(),
    nowNs,
    300_000_000_000n,
    rootKey,
    version,
  )
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
    await serve({ body, tree: [2, label('http_assets'), [2, label('/index.html'), [3, sha(body)]]] })
    for (const own of [true, false]) {
      const answer = await visit('/index.html', { own })
      assert.equal(answer.status, 200)
      assert.equal(Buffer.from(verified(answer, agent.rootKey, 1).response.body).toString(), '<h1>hello</h1>')
    }
  },
  'refuses another page, and another root key': async () => {
    const answer = await visit('/index.html')
    assert.throws(() => verified({ ...answer, body: Buffer.from('<h1>forged</h1>') }, agent.rootKey, 1))
    const otherKey = Uint8Array.from(agent.rootKey)
    otherKey[otherKey.length - 1] ^= 1
    assert.throws(() => verified(answer, otherKey, 1))
  },
  'verifies status, headers and body by the second version': async () => {
    const body = Buffer.from('<h1>hello again</h1>')
    const expression =
      'default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},response_certification:ResponseCertification{certified_response_headers:ResponseHeaderList{headers:["content-type"]}}}})'
    const headers = [
      ['content-type', 'text/html'],
      ['IC-CertificateExpression', expression],
    ]
    const certified = hashOfMap({
      'content-type': 'text/html',
      'ic-certificateexpression': expression,
      ':ic-cert-status': 200,
    })
    const labels = ['http_expr', 'index.html', '<$>'].map(label)
    const path = [...labels, sha(Buffer.from(expression)), label(''), sha(certified, sha(body))]
    const tree = path.reduceRight((below, one) => [2, one, below], [3, new Uint8Array(0)])
    const exprPath = Buffer.from(Cbor.encode(['http_expr', 'index.html', '<$>'])).toString('base64')
    await serve({ body, tree, headers, more: `, expr_path=:${exprPath}:, version=2` })
    const answer = await visit('/index.html', { own: true })
    assert.equal(answer.headers['content-type'], 'text/html')
    const { response, verificationVersion } = verified(answer, agent.rootKey, 2)
    assert.equal(verificationVersion, 2)
    assert.equal(Buffer.from(response.body).toString(), '<h1>hello again</h1>')
    const forged = answer.raw.map(one => (one === 'text/html' ? 'text/plain' : one))
    assert.throws(() => verified({ ...answer, raw: forged }, agent.rootKey, 2))
    assert.throws(() => verified({ ...answer, status: 404 }, agent.rootKey, 2))
  },
  'gives a page that comes in pieces, whose token only the canister understands': async () => {
    assert.equal((await visit('/pieces')).body.toString(), 'first second third')
    assert.equal((await visit('/pieces', { method: 'HEAD' })).body.toString(), '')
  },
  'asks again by an update where the canister wants it': async () => {
    const first = await visit('/count', { method: 'POST', body: 'four', own: true })
    assert.deepEqual([first.status, first.body.toString()], [201, '4'])
    assert.equal((await visit('/count', { method: 'POST', body: 'four' })).body.toString(), '8')
  },
  'carries what was asked, and all headers but those of the connection': async () => {
    const own = await visit('/echo?a=1', { method: 'PUT', body: 'body', headers: { 'x-some': 'thing' }, own: true })
    assert.equal(own.body.toString(), '("PUT", "/echo?a=1", ?2, 4) x-some=thing')
    assert.deepEqual(
      [own.headers['set-cookie'], own.headers['x-own'], own.headers['content-security-policy']],
      [['a=1', 'b=2'], 'kept', undefined],
    )
  },
  'keeps pages at the host of the node apart': async () => {
    const shared = await visit('/echo')
    assert.equal(shared.headers['set-cookie'], undefined)
    const browser = { 'sec-fetch-mode': 'navigate', accept: 'text/html' }
    const sent = await visit('/echo?b=2', { headers: browser })
    assert.deepEqual(
      [sent.status, new URL(sent.headers.location).host],
      [307, `${page.id}.localhost:${new URL(host).port}`],
    )
    assert.equal(new URL(sent.headers.location).search, '?b=2')
    assert.match(
      (await visit('/echo', { method: 'POST', body: '', headers: browser })).headers['content-security-policy'],
      /^sandbox/,
    )
    assert.equal((await visit('/v1/node', { own: true })).headers['ic-certificate'] !== undefined, true)
  },
  'tells that there is no such canister, that it trapped, and that its answer is none': async () => {
    const trapped = await visit('/trap', { own: true })
    assert.deepEqual([trapped.status, trapped.headers['x-content-type-options']], [502, 'nosniff'])
    assert.equal((await visit('/split')).status, 502)
    const { port } = new URL(host)
    const status = async name => (await fetch(`http://127.0.0.1:${port}/?canisterId=${name}`)).status
    assert.deepEqual([await status('ryjl3-tyaaa-aaaaa-aaaba-cai'), await status('nothing')], [404, 400])
  },
})
