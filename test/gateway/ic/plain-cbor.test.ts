import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { describe, expect, it } from 'vitest'
import { readEnvelope } from '../../../gateway/ic/incoming.ts'
import { plainCbor } from '../../../gateway/ic/plain-cbor.ts'
import {
  decodeIc,
  decodeRequestEnvelope,
  encodeIc,
  fromHex,
  icMap,
  isIcMap,
  type IcValue,
} from '../../../protocol/index.ts'
import { callContent, signedBy } from '../../fakes/signed-requests.ts'

type Style = 'indefinite' | 'wide' | 'pieces'
const STYLES: readonly Style[] = ['indefinite', 'wide', 'pieces']
const TAGGED = [0xd9, 0xd9, 0xf7]

/** A head, with eight bytes for its number. */
function wide(major: number, count: number | bigint): number[] {
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, BigInt(count))
  return [(major << 5) | 27, ...number]
}

function string(major: number, bytes: Uint8Array, style: Style): number[] {
  if (style !== 'pieces') return [...wide(major, bytes.length), ...bytes]
  const pieces = [bytes.subarray(0, 1), bytes.subarray(1)].filter(({ length }) => length > 0)
  return [(major << 5) | 31, ...pieces.flatMap(piece => [...wide(major, piece.length), ...piece]), 0xff]
}

/** A value as CBOR lets it be written, too. */
function written(value: IcValue, style: Style): number[] {
  if (typeof value === 'string') return string(3, new TextEncoder().encode(value), style)
  if (value instanceof Uint8Array) return string(2, value, style)
  if (typeof value === 'number' || typeof value === 'bigint') return wide(0, value)
  const isMap = isIcMap(value)
  const items = isMap ? [...value].flat() : [...(value as readonly IcValue[])]
  const inner = items.flatMap(item => written(item, style))
  const major = isMap ? 5 : 4
  if (style !== 'wide') return [(major << 5) | 31, ...inner, 0xff]
  return [...wide(major, isMap ? items.length / 2 : items.length), ...inner]
}

describe('requests that are written as feeds are not', () => {
  it('are the same requests, with the same ids and signatures, and stand in feeds as others do', async () => {
    const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(3))
    const bytes = await signedBy(identity, callContent({ nonce: new Uint8Array(32).fill(7) }))
    const strict = decodeRequestEnvelope(bytes)
    for (const style of STYLES) {
      const odd = Uint8Array.from([...TAGGED, ...written(decodeIc(bytes), style)])
      expect(() => decodeRequestEnvelope(odd), style).toThrow()
      const read = readEnvelope(odd, 'call')
      expect(read.id, style).toEqual(strict.id)
      expect(plainCbor(read.bytes), style).toEqual(read.bytes)
      expect(decodeRequestEnvelope(read.bytes), style).toEqual(read)
    }
    expect(() => readEnvelope(Uint8Array.from([...written(decodeIc(bytes), 'wide'), 0]), 'call')).toThrow('parse')
  })

  it('are told apart from what is no CBOR at all', () => {
    const value = icMap({ a: [1, 2n ** 63n, 'text', icMap({})], b: fromHex('0102') })
    const plain = encodeIc(value)
    for (const style of STYLES) expect(plainCbor(Uint8Array.from([...TAGGED, ...written(value, style)]))).toEqual(plain)
    expect(plainCbor(fromHex('fb3ff8000000000000'))).toEqual(fromHex('fb3ff8000000000000'))
    const wrong = [
      '',
      'ff',
      '5f61ff',
      '5f5fff',
      '9f',
      'bf01ff',
      '1f',
      '3f',
      'df',
      '1c',
      '5bffffffffffffffff',
      'bbffffffffffffffff01',
      '0101',
      'f9',
    ]
    for (const hex of wrong) expect(plainCbor(fromHex(hex)), hex).toBeUndefined()
    expect(plainCbor(new Uint8Array(100).fill(0x81))).toBeUndefined()
    expect(plainCbor(Uint8Array.from([0x9f, ...new Uint8Array(70_000), 0xff]))).toBeUndefined()
  })
})
