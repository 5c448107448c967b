/**
 * Makes `data-items.json` with arbundles, the library of AO's own clients, as oracle. The file is
 * frozen: run this only to add cases. `node test/vectors/make/data-items.ts > test/vectors/data-items.json`
 */
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'

interface OracleItem {
  readonly id: string
  readonly signatureType: number
  readonly owner: string
  readonly signature: string
  readonly target: string
  readonly anchor: string
  readonly tags: { name: string; value: string }[]
  readonly data: string
  sign(signer: unknown): Promise<unknown>
  getRaw(): Buffer
  getSignatureData(): Promise<Uint8Array>
}

const require = createRequire(import.meta.url)
const arbundles = require('@dha-team/arbundles')
const { encode: toBase58 } = require('bs58')

const jwk = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ format: 'jwk' })
const secret = Buffer.alloc(32, 7)
const seed = Buffer.alloc(32, 9)
const solanaSecret = (): string => {
  const { ed25519PublicKey } = require('../../../protocol/crypto/crypto.ts')
  return toBase58(Buffer.concat([seed, ed25519PublicKey(seed)]))
}

/** Signs the hex of the message, as wallets of type 4 do; arbundles has only the browser's one. */
const ed25519 = new arbundles.SolanaSigner(solanaSecret())
const solana = {
  publicKey: ed25519.publicKey,
  ownerLength: 32,
  signatureLength: 64,
  signatureType: 4,
  sign: (message: Uint8Array) => ed25519.sign(Buffer.from(Buffer.from(message).toString('hex'))),
}

const signers: readonly (readonly [string, string | undefined, unknown])[] = [
  ['rsa-pss-sha256', undefined, new arbundles.ArweaveSigner(jwk)],
  ['ed25519', seed.toString('hex'), ed25519],
  ['ethereum', secret.toString('hex'), new arbundles.EthereumSigner(secret.toString('hex'))],
  ['solana', seed.toString('hex'), solana],
  ['typed-ethereum', secret.toString('hex'), new arbundles.TypedEthereumSigner(secret.toString('hex'))],
]

const target = Buffer.alloc(32, 0xab).toString('base64url')
const anchor = 'anchor of thirty-two characters!'
const aoTags = [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Variant', value: 'ao.TN.1' },
  { name: 'Type', value: 'Message' },
  { name: 'Action', value: 'Transfer' },
]
const oddTags = [
  { name: '', value: '' },
  { name: '__proto__', value: 'x' },
  { name: 'Größe', value: '日本 🐟 \u0000' },
  { name: 'Authority', value: 'a' },
  { name: 'Authority', value: 'b'.repeat(200) },
]
const manyTags = Array.from({ length: 128 }, (_, index) => ({ name: `n${index}`, value: 'v' }))

const shapes: readonly (readonly [string, Buffer | string, object])[] = [
  ['nothing but data', 'hello', {}],
  ['no data', '', { target }],
  ['an AO message', 'hello world', { target, anchor, tags: aoTags }],
  ['an anchor, no target', Buffer.from([0, 255, 254]), { anchor, tags: oddTags }],
  ['128 tags, 3,000 bytes', Buffer.alloc(3000, 5), { target, tags: manyTags }],
]

const items: unknown[] = []
const bundled: OracleItem[] = []
for (const [scheme, signingSecret, signer] of signers) {
  for (const [shape, data, options] of shapes) {
    const item: OracleItem = arbundles.createData(data, signer, options)
    await item.sign(signer)
    if (!(await arbundles.DataItem.verify(item.getRaw()))) throw new Error(`${scheme}: ${shape}`)
    items.push({
      name: `${scheme}: ${shape}`,
      scheme,
      signatureType: item.signatureType,
      secret: signingSecret,
      id: item.id,
      owner: item.owner,
      signature: item.signature,
      target: item.target,
      anchor: item.anchor,
      tags: item.tags,
      data: item.data,
      message: Buffer.from(await item.getSignatureData()).toString('base64url'),
      bytes: item.getRaw().toString('base64url'),
    })
    if (shape === 'an AO message') bundled.push(item)
  }
}
const bundle = await arbundles.bundleAndSignData(bundled, signers[0]?.[2])
const { d, p, q, dp, dq, qi, n, e, kty } = jwk
const vectors = {
  about: 'ANS-104 items and a bundle made and verified by @dha-team/arbundles 1.0.4; base64url',
  arweaveJwk: { kty, n, e, d, p, q, dp, dq, qi },
  items,
  bundle: { ids: bundled.map(item => item.id), bytes: bundle.getRaw().toString('base64url') },
}
console.log(JSON.stringify(vectors, null, 1))
