import { createRequire } from 'node:module'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'
import {
  concatBytes,
  fromBase64Url,
  fromHex,
  MalformedBytes,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../protocol/codec/bytes.ts'
import { installCrypto } from '../../protocol/crypto/crypto.ts'
import {
  createDataItem,
  dataItemMessage,
  parseDataItem,
  signDataItemSync,
  verifyDataItem,
} from '../../protocol/items/data-item.ts'
import { deepHash } from '../../protocol/items/deep-hash.ts'
import {
  arweaveSigner,
  ed25519Signer,
  type Signer,
  secp256k1Signer,
  UnsupportedSignatureType,
} from '../../protocol/crypto/keys.ts'
import vectors from '../vectors/data-items.json' with { type: 'json' }

interface ItemOracle {
  readonly id: string
  readonly tags: { name: string; value: string }[]
  readonly target: string
  readonly data: string
}

const { DataItem: Oracle } = createRequire(import.meta.url)('@dha-team/arbundles') as {
  DataItem: { new (bytes: Buffer): ItemOracle; verify(bytes: Buffer): Promise<boolean> }
}

const SEED = new Uint8Array(32).fill(9)
const target = toBase64Url(new Uint8Array(32).fill(0xab))
const anchor = new Uint8Array(32).fill(0xcd)
const tags = [
  { name: 'Action', value: 'Transfer' },
  { name: 'Authority', value: 'a' },
  { name: 'Authority', value: 'b' },
]
const fields = { target, anchor, tags, data: 'pay 1' }

/** Neither parsed nor verified: what a receiver must find. */
function isAccepted(bytes: Uint8Array): boolean {
  try {
    return verifyDataItem(parseDataItem(bytes))
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedBytes)
    return false
  }
}

function edit(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice()
  change(copy)
  return copy
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return edit(bytes, copy => copy.fill(value, at, at + 1))
}

beforeAll(() => installCrypto(nativeCrypto))
afterAll(() => installCrypto({}))

describe.each(vectors.items)('the arbundles item "$name"', vector => {
  const bytes = fromBase64Url(vector.bytes)

  it('has the fields, the message and a good signature', () => {
    const item = parseDataItem(bytes)
    expect(item.id).toBe(vector.id)
    expect(item.scheme).toBe(vector.scheme)
    expect(toBase64Url(item.owner)).toBe(vector.owner)
    expect(toBase64Url(item.signature)).toBe(vector.signature)
    expect(item.target ?? '').toBe(vector.target)
    expect(item.anchor === undefined ? '' : toBase64Url(item.anchor)).toBe(vector.anchor)
    expect(item.tags).toEqual(vector.tags)
    expect(toBase64Url(item.data)).toBe(vector.data)
    expect(item.bytes).toBe(bytes)
    expect(toBase64Url(dataItemMessage(item))).toBe(vector.message)
    expect(verifyDataItem(item)).toBe(true)
  })

  it('is refused by whichever byte it is cut', () => {
    for (let length = 0; length < bytes.length; length += bytes.length > 2000 ? 7 : 1) {
      expect(isAccepted(bytes.subarray(0, length))).toBe(false)
    }
  })

  it('is refused with a byte more', () => {
    expect(isAccepted(concatBytes(bytes, new Uint8Array(1)))).toBe(false)
    expect(isAccepted(concatBytes(new Uint8Array(1), bytes))).toBe(false)
  })

  it('is refused with one bit flipped, at 400 places', () => {
    const step = Math.max(1, Math.floor((bytes.length * 8) / 400))
    for (let bit = 0; bit < bytes.length * 8; bit += step) {
      const at = bit >> 3
      const damaged = edit(bytes, copy => {
        copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7))
      })
      expect(isAccepted(damaged), `bit ${bit}`).toBe(false)
    }
  })
})

describe('without native code', () => {
  beforeAll(() => installCrypto({}))
  afterAll(() => installCrypto(nativeCrypto))

  it('all arbundles items verify too', () => {
    for (const { name, bytes } of vectors.items) {
      expect(verifyDataItem(parseDataItem(fromBase64Url(bytes))), name).toBe(true)
    }
  })
})

describe('an item we make', () => {
  const signers: readonly Signer[] = [
    ed25519Signer(SEED),
    secp256k1Signer(new Uint8Array(32).fill(7)),
    arweaveSigner(vectors.arweaveJwk),
  ]

  it.each(signers.map(signer => [signer.scheme, signer] as const))(
    'by %s is good for us and for arbundles',
    async (_, signer) => {
      const item = await createDataItem(fields, signer)
      expect(verifyDataItem(item)).toBe(true)
      expect(item.ownerAddress).toBe(signer.address)
      expect(await Oracle.verify(Buffer.from(item.bytes))).toBe(true)
      const theirs = new Oracle(Buffer.from(item.bytes))
      expect(theirs.id).toBe(item.id)
      expect(theirs.tags).toEqual(tags)
      expect(theirs.target).toBe(target)
      expect(fromBase64Url(theirs.data)).toEqual(toUtf8('pay 1'))
    },
  )

  it('is, byte for byte, the item arbundles makes with the same Ed25519 or Ethereum key', async () => {
    let compared = 0
    for (const vector of vectors.items) {
      if (vector.scheme !== 'ed25519' && vector.scheme !== 'ethereum') continue
      const secret = fromHex(vector.secret ?? '')
      const signer = vector.scheme === 'ed25519' ? ed25519Signer(secret) : secp256k1Signer(secret)
      const theirs = parseDataItem(fromBase64Url(vector.bytes))
      const ours = await createDataItem(theirs, signer)
      expect(toBase64Url(ours.bytes)).toBe(vector.bytes)
      compared++
    }
    expect(compared).toBe(10)
  })

  it('is the same when signed at once', async () => {
    const slowly = await createDataItem(fields, ed25519Signer(SEED))
    expect(toHex(signDataItemSync(fields, SEED).bytes)).toBe(toHex(slowly.bytes))
  })

  it('goes there and back, whatever is in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const anyFields = fc.record({
      target: fc.option(bytes32.map(toBase64Url), { nil: undefined }),
      anchor: fc.option(bytes32, { nil: undefined }),
      tags: fc.array(fc.record({ name: text, value: text }), { maxLength: 8 }),
      data: fc.uint8Array({ maxLength: 200 }),
    })
    fc.assert(
      fc.property(anyFields, bytes32, (given, seed) => {
        const item = parseDataItem(signDataItemSync(given, seed).bytes)
        expect(item.target).toBe(given.target)
        expect(item.anchor).toEqual(given.anchor)
        expect(item.tags.map(({ name, value }) => [name, value])).toEqual(
          given.tags.map(({ name, value }) => [name, value]),
        )
        expect(item.data).toEqual(given.data)
        expect(verifyDataItem(item)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('hashes as the plain deep hash does, first time and again', () => {
    for (const given of [fields, { data: '' }, { anchor, data: 'x' }, { target, data: 'x' }]) {
      const item = signDataItemSync(given, SEED)
      const parts = [
        'dataitem',
        '1',
        '2',
        item.owner,
        given.target === undefined ? '' : fromBase64Url(given.target),
        item.anchor ?? '',
        item.tags.length === 0 ? '' : fromHex(tagHex),
        item.data,
      ].map(part => (typeof part === 'string' ? toUtf8(part) : part))
      for (let round = 0; round < 2; round++) expect(dataItemMessage(item)).toEqual(deepHash(parts))
    }
  })

  it('is not made of fields that have not their shape', () => {
    const wrong: readonly object[] = [
      { target: 'abc' },
      { target: '' },
      { target: `${target}A` },
      { target: target.replace('q', '+') },
      { target: `${target.slice(0, 42)}B` },
      { anchor: new Uint8Array(31) },
      { anchor: new Uint8Array(0) },
      { tags: Array.from({ length: 129 }, () => ({ name: 'a', value: 'b' })) },
    ]
    for (const change of wrong) {
      expect(() => signDataItemSync({ ...fields, ...change }, SEED)).toThrow()
    }
  })

  it('is not made with a signature or owner of the wrong length', async () => {
    const signer = ed25519Signer(SEED)
    await expect(createDataItem(fields, { ...signer, sign: async () => new Uint8Array(63) })).rejects.toThrow(
      RangeError,
    )
    await expect(createDataItem(fields, { ...signer, publicKey: new Uint8Array(33) })).rejects.toThrow(RangeError)
  })
})

/** The tags of `fields`, encoded by hand. */
const tagHex =
  '06' +
  '0c416374696f6e' +
  '105472616e73666572' +
  '12417574686f72697479' +
  '0261' +
  '12417574686f72697479' +
  '0262' +
  '00'

describe('an item that is not one', () => {
  const good = signDataItemSync(fields, SEED).bytes
  const targetAt = 2 + 64 + 32
  const anchorAt = targetAt + 33
  const countsAt = anchorAt + 33

  it.each([5, 6, 101, 0, 8, 999, 65535])('of signature type %i is unsupported', type => {
    const odd = edit(good, copy => new DataView(copy.buffer).setUint16(0, type, true))
    expect(() => parseDataItem(odd)).toThrow(UnsupportedSignatureType)
    expect(() => parseDataItem(odd)).toThrow(MalformedBytes)
  })

  it('with a flag that is neither 0 nor 1 is refused', () => {
    for (const at of [targetAt, anchorAt]) {
      for (const flag of [2, 128, 255]) {
        expect(() => parseDataItem(withByte(good, at, flag))).toThrow('expected 0 or 1')
      }
    }
  })

  it('with another number or size of tags than announced is refused', () => {
    for (const at of [countsAt, countsAt + 8]) {
      for (const change of [-1, 1]) {
        const odd = withByte(good, at, (good[at] ?? 0) + change)
        expect(() => parseDataItem(odd)).toThrow(MalformedBytes)
      }
      for (let byte = 1; byte < 8; byte++) {
        expect(() => parseDataItem(withByte(good, at + byte, 1))).toThrow(MalformedBytes)
      }
    }
  })

  it('with a declared size beyond all memory costs nothing', () => {
    const before = process.memoryUsage().arrayBuffers
    const huge = edit(good, copy => copy.fill(255, countsAt, countsAt + 16))
    for (let round = 0; round < 1000; round++) expect(() => parseDataItem(huge)).toThrow(MalformedBytes)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })

  it('of random bytes is refused', () => {
    const start = fc.constantFrom(1, 2, 3, 4, 7, 255)
    fc.assert(
      fc.property(start, fc.uint8Array({ minLength: 200, maxLength: 1300 }), (type, rest) => {
        expect(isAccepted(concatBytes(Uint8Array.of(type, 0), rest))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})
