/** Speed of codecs, hashes and signatures on one core: `node bench/codec.ts`. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import sodium from 'sodium-native'
import { nativeCrypto } from '../node/crypto/native-crypto.ts'
import { fromBase64Url, toBase64Url } from '../protocol/codec/bytes.ts'
import { CborReader, CborWriter, decodeCbor, encodeCbor } from '../protocol/codec/cbor.ts'
import { installCrypto, sha256 } from '../protocol/crypto/crypto.ts'
import {
  createDataItem,
  type DataItem,
  dataItemMessage,
  parseDataItem,
  signDataItemSync,
  verifyDataItem,
} from '../protocol/items/data-item.ts'
import {
  type ArweaveJwk,
  arweaveSigner,
  ed25519Signer,
  generateEd25519Seed,
  secp256k1Signer,
} from '../protocol/crypto/keys.ts'

const { RUN_MS: runMsText = '300' } = process.env
const RUN_MS = Number(runMsText)
const FLEET = 64

const tags = [
  ['Action', 'Transfer'],
  ['Recipient', 'R'.repeat(43)],
  ['Quantity', '1000000000000'],
  ['SDK', 'aoconnect'],
  ['Data-Protocol', 'ao'],
  ['Variant', 'ao.TN.1'],
  ['Type', 'Message'],
].map(([name = '', value = '']) => ({ name, value }))
const target = toBase64Url(randomBytes(32))

function measure(name: string, run: (index: number) => unknown): number {
  const rates: number[] = []
  let index = 0
  for (let round = 0; round < 5; round++) {
    const end = performance.now() + RUN_MS / 5
    const start = performance.now()
    let count = 0
    while (performance.now() < end) {
      for (let step = 0; step < 8; step++) run(index++)
      count += 8
    }
    rates.push(count / ((performance.now() - start) / 1000))
  }
  const median = rates.sort((a, b) => a - b)[2] ?? 0
  console.log(`${name.padEnd(44)} ${Math.round(median).toLocaleString('en').padStart(12)} /s`)
  return median
}

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

async function makeFleet(): Promise<Map<string, DataItem[]>> {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({
    format: 'jwk',
  })
  const signers = [
    ed25519Signer(generateEd25519Seed()),
    secp256k1Signer(randomBytes(32)),
    arweaveSigner(jwk as unknown as ArweaveJwk),
  ]
  const fleet = new Map<string, DataItem[]>()
  for (const signer of signers) {
    const items: DataItem[] = []
    for (let index = 0; index < FLEET; index++) {
      const data = `${index} hello world `.repeat(8).slice(0, 96)
      const item = await createDataItem({ target, tags, data }, signer)
      items.push(parseDataItem(new Uint8Array(item.bytes)))
    }
    fleet.set(signer.scheme, items)
  }
  return fleet
}

function benchItems(fleet: ReadonlyMap<string, readonly DataItem[]>): void {
  const items = fleet.get('ed25519') ?? []
  const messages = items.map(item => dataItemMessage(item))
  const raw = measure('ed25519 raw verify of 48 bytes (sodium)', index => {
    const item = pick(items, index)
    return sodium.crypto_sign_verify_detached(item.signature, pick(messages, index), item.owner)
  })
  const whole = measure('ed25519 parse + verify + id', index => {
    const item = parseDataItem(pick(items, index).bytes)
    if (!verifyDataItem(item)) throw new Error('refused')
    return item.id
  })
  console.log(`${'  share of raw speed'.padEnd(44)} ${((100 * whole) / raw).toFixed(1).padStart(12)} %`)
  for (const [scheme, list] of fleet) {
    measure(`${scheme} verify item`, index => verifyDataItem(pick(list, index)))
  }
  const seed = generateEd25519Seed()
  measure('ed25519 sign item', () => signDataItemSync({ target, tags, data: 'hello' }, seed))
  measure('parse item', index => parseDataItem(pick(items, index).bytes))
  measure('parse item + id', index => parseDataItem(pick(items, index).bytes).id)
  measure('deep hash of item, same sender and target', index => dataItemMessage(pick(items, index)))
}

function benchCbor(item: Uint8Array): void {
  const frame = (): Uint8Array => {
    const writer = new CborWriter()
    writer.array(3)
    writer.uint(1)
    writer.uint(1_000_000)
    writer.array(100)
    for (let index = 0; index < 100; index++) {
      writer.array(2)
      writer.uint(1_700_000_000_000 + index)
      writer.array(2)
      writer.uint(0)
      writer.bytes(item)
    }
    return writer.finish()
  }
  const bytes = frame()
  const writes = measure('cbor write frame of 100 assignments', frame)
  const reads = measure('cbor read frame of 100 assignments', () => {
    const reader = new CborReader(bytes)
    reader.array()
    reader.uint()
    reader.uint()
    for (let left = reader.array(); left > 0; left--) {
      reader.array()
      reader.uint()
      reader.array()
      reader.uint()
      reader.bytes()
    }
    reader.end()
  })
  console.log(`${'  assignments written, read'.padEnd(44)} ${Math.round(writes * 100)} ${Math.round(reads * 100)} /s`)
  const value = new Map(tags.map(tag => [tag.name, tag.value]))
  const encoded = encodeCbor(value)
  measure('cbor encode map of 7 texts', () => encodeCbor(value))
  measure('cbor decode map of 7 texts', () => decodeCbor(encoded))
}

function benchBytes(): void {
  const ids = Array.from({ length: 1024 }, () => new Uint8Array(randomBytes(32)))
  const texts = ids.map(id => toBase64Url(id))
  const known = new Map(texts.map(text => [text, 1]))
  measure('base64url of 32 bytes', index => toBase64Url(pick(ids, index)))
  measure('base64url of 32 bytes + Map look-up', index => known.get(toBase64Url(pick(ids, index))))
  measure('base64url to 32 bytes', index => fromBase64Url(pick(texts, index)))
  measure('sha256 of 64 bytes', index => sha256(pick(ids, index)))
}

const fleet = await makeFleet()
for (const [name, provider] of [
  ['portable', {}],
  ['native', nativeCrypto],
] as const) {
  console.log(`\n# ${name}`)
  installCrypto(provider)
  benchItems(fleet)
}
console.log('\n# codecs')
benchCbor(fleet.get('ed25519')?.[0]?.bytes ?? new Uint8Array(0))
benchBytes()
