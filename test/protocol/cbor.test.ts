import * as cborg from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, MalformedBytes, toHex } from '../../protocol/codec/bytes.ts'
import {
  CBOR_DEPTH_MAX,
  type CborKey,
  CborReader,
  type CborValue,
  decodeCbor,
  encodeCbor,
} from '../../protocol/codec/cbor.ts'
import { REFUSED, RFC_EXAMPLES } from './cbor-examples.ts'

const integer = fc
  .oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 70000 }),
    fc.bigInt({ min: -(1n << 64n), max: (1n << 64n) - 1n }),
    fc.constantFrom(0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, -24, -25, -256, -257),
    fc.constantFrom(2 ** 53 - 1, 2n ** 53n, -(2n ** 53n), -(2n ** 53n) - 1n, 1 - 2 ** 53),
  )
  .map(value => normal(value))

const key: fc.Arbitrary<CborKey> = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), integer)

const { value: anyValue } = fc.letrec<{ value: CborValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    integer,
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.uint8Array({ maxLength: 60 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map(entries => new Map(entries)),
  ),
}))

/** Numbers when safe, else bigints: what the decoder gives. */
function normal(value: number | bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value)
}

function nested(depth: number): Uint8Array {
  return new Uint8Array([...new Array<number>(depth).fill(0x81), 0])
}

describe('deterministic CBOR', () => {
  it.each(RFC_EXAMPLES)('writes and reads the example %s of RFC 8949', (hex, value) => {
    expect(toHex(encodeCbor(value))).toBe(hex)
    expect(decodeCbor(fromHex(hex))).toEqual(value)
  })

  it.each(REFUSED)('refuses %s', (_, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(MalformedBytes)
    expect(() => {
      const reader = new CborReader(fromHex(hex))
      reader.skip()
      reader.end()
    }).toThrow(MalformedBytes)
  })

  it('goes there and back, and skips the same', () => {
    fc.assert(
      fc.property(anyValue, value => {
        const bytes = encodeCbor(value)
        expect(decodeCbor(bytes)).toEqual(value)
        const reader = new CborReader(bytes)
        expect(reader.skip()).toEqual(bytes)
        reader.end()
      }),
      { numRuns: 1500 },
    )
  })

  it('writes the very bytes that cborg writes by RFC 8949', () => {
    fc.assert(
      fc.property(anyValue, value => {
        expect(toHex(encodeCbor(value))).toBe(toHex(cborg.encode(value, cborg.rfc8949EncodeOptions)))
      }),
      { numRuns: 1500 },
    )
  })

  it('reads no more than strict cborg does, and then the same', () => {
    const options = {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
    }
    let taken = 0
    const check = (bytes: Uint8Array): void => {
      let value: CborValue
      try {
        value = decodeCbor(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedBytes)
        return
      }
      taken++
      expect(toHex(encodeCbor(value))).toBe(toHex(bytes))
      expect(toHex(encodeCbor(cborg.decode(bytes, options)))).toBe(toHex(bytes))
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), check), { numRuns: 4000 })
    const damaged = fc.tuple(anyValue, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const bytes = encodeCbor(value)
      bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(fc.property(damaged, check), { numRuns: 4000 })
    expect(taken).toBeGreaterThan(500)
  })

  it('refuses every proper prefix and every extension of a value', () => {
    fc.assert(
      fc.property(anyValue, value => {
        const bytes = encodeCbor(value)
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decodeCbor(bytes.subarray(0, length))).toThrow(MalformedBytes)
        }
        expect(() => decodeCbor(new Uint8Array([...bytes, 0]))).toThrow(MalformedBytes)
      }),
      { numRuns: 100 },
    )
  })

  it('nests 64 levels and no more, in every direction', () => {
    const maps = (depth: number): Uint8Array => {
      const bytes = Array.from({ length: depth }, () => [0xa1, 0x00]).flat()
      return new Uint8Array([...bytes, 0])
    }
    for (const make of [nested, maps]) {
      const deepest = make(CBOR_DEPTH_MAX)
      expect(encodeCbor(decodeCbor(deepest))).toEqual(deepest)
      expect(new CborReader(deepest).skip()).toEqual(deepest)
      const deeper = make(CBOR_DEPTH_MAX + 1)
      expect(() => decodeCbor(deeper)).toThrow(MalformedBytes)
      expect(() => new CborReader(deeper).skip()).toThrow(MalformedBytes)
      expect(() => decodeCbor(make(100_000))).toThrow(MalformedBytes)
      expect(() => new CborReader(make(100_000)).skip()).toThrow(MalformedBytes)
    }
    let value: CborValue = 0
    for (let depth = 0; depth < CBOR_DEPTH_MAX; depth++) value = [value]
    encodeCbor(value)
    expect(() => encodeCbor([value])).toThrow(RangeError)
  })

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53), 1n << 64n, -(1n << 64n) - 1n])(
    'does not write %s',
    value => expect(() => encodeCbor(value)).toThrow(RangeError),
  )

  it('does not write lone surrogates, foreign objects or a key twice', () => {
    expect(() => encodeCbor('\ud800')).toThrow(TypeError)
    expect(() => encodeCbor(`${'a'.repeat(100)}\udc00`)).toThrow(TypeError)
    expect(() => encodeCbor({ a: 1 } as unknown as CborValue)).toThrow(TypeError)
    expect(() => encodeCbor(undefined as unknown as CborValue)).toThrow(TypeError)
    expect(() =>
      encodeCbor(
        new Map<CborKey, CborValue>([
          [1, 1],
          [1n, 2],
        ]),
      ),
    ).toThrow(TypeError)
  })
})
