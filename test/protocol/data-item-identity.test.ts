import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'
import { concatBytes, fromBase64Url, fromHex, toBase64Url, toHex } from '../../protocol/codec/bytes.ts'
import { installCrypto } from '../../protocol/crypto/crypto.ts'
import { createDataItem, type DataItem, parseDataItem, verifyDataItem } from '../../protocol/items/data-item.ts'
import { addressOf, type Signer } from '../../protocol/crypto/keys.ts'
import vectors from '../vectors/data-items.json' with { type: 'json' }

const target = toBase64Url(new Uint8Array(32).fill(0xab))

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

describe('two items with one id', () => {
  it('cannot be made with a key of small order', async () => {
    const owner = withByte(new Uint8Array(32), 0, 1)
    const signature = concatBytes(owner, new Uint8Array(32))
    const forger: Signer = {
      scheme: 'ed25519',
      publicKey: owner,
      address: addressOf('ed25519', owner),
      sign: async () => signature,
    }
    const small = await createDataItem({ target, data: 'pay 1' }, forger)
    const large = await createDataItem({ target, data: 'pay 1000000' }, forger)
    expect(small.id).toBe(large.id)
    expect([verifyDataItem(small), verifyDataItem(large)]).toEqual([false, false])
  })
})

describe('one message with two ids', () => {
  const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
  const vectorOf = (scheme: string): DataItem =>
    parseDataItem(fromBase64Url(vectors.items.find(item => item.scheme === scheme)?.bytes ?? ''))

  it.each(['ethereum', 'typed-ethereum'])('cannot be made by the high-S twin of an %s signature', scheme => {
    const item = vectorOf(scheme)
    const s = BigInt(`0x${toHex(item.signature.subarray(32, 64))}`)
    const twin = edit(item.bytes, copy => {
      copy.set(fromHex((N - s).toString(16).padStart(64, '0')), 2 + 32)
      copy[2 + 64] = 55 - (copy[2 + 64] ?? 0)
    })
    expect(verifyDataItem(item)).toBe(true)
    expect(parseDataItem(twin).id).not.toBe(item.id)
    expect(verifyDataItem(parseDataItem(twin))).toBe(false)
  })

  it.each(['ethereum', 'typed-ethereum'])('cannot be made by the last byte of an %s signature', scheme => {
    const item = vectorOf(scheme)
    const accepted = Array.from({ length: 256 }, (_, last) => last).filter(last =>
      verifyDataItem(parseDataItem(withByte(item.bytes, 2 + 64, last))),
    )
    expect(accepted).toEqual([item.signature[64]])
  })

  it.each(['ed25519', 'solana'])('cannot be made by adding L to S of an %s signature', scheme => {
    const item = vectorOf(scheme)
    const s = BigInt(`0x${toHex(item.signature.slice(32).reverse())}`)
    const larger = fromHex((s + ORDER).toString(16).padStart(64, '0')).reverse()
    const twin = edit(item.bytes, copy => copy.set(larger, 2 + 32))
    expect(verifyDataItem(parseDataItem(twin))).toBe(false)
  })

  it('cannot be made by giving an Ed25519 item the type of Solana, or back', () => {
    for (const [scheme, type] of [
      ['ed25519', 4],
      ['solana', 2],
    ] as const) {
      const other = withByte(vectorOf(scheme).bytes, 0, type)
      expect(verifyDataItem(parseDataItem(other))).toBe(false)
    }
  })
})
