import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  fromUtf8,
  MalformedBytes,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../protocol/codec/bytes.ts'

const anyBytes = fc.uint8Array({ maxLength: 300 })

describe('base64url', () => {
  it('is what the platform makes, for every length up to 300', () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = new Uint8Array(length).map((_, at) => at * 151 + length)
      const text = Buffer.from(bytes).toString('base64url')
      expect(toBase64Url(bytes)).toBe(text)
      expect(fromBase64Url(text)).toEqual(bytes)
    }
  })

  it('goes there and back', () => {
    fc.assert(
      fc.property(anyBytes, bytes => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      }),
    )
  })

  it('has one spelling for each value: what is taken is given back', () => {
    const alphabet = [...'AQgwZz09-_+/=! \n', '\u00c1', '\ud83d']
    const text = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 })
    let taken = 0
    fc.assert(
      fc.property(text, spelling => {
        try {
          expect(toBase64Url(fromBase64Url(spelling))).toBe(spelling)
          taken++
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes)
        }
      }),
      { numRuns: 3000 },
    )
    expect(taken).toBeGreaterThan(50)
  })

  it.each([
    ['A', 1],
    ['AAAAA', 5],
    ['AB', 1],
    ['AAB', 2],
    ['AA==', 2],
    ['AA+A', 2],
    ['AAA/', 3],
    ['AAAA AAA', 4],
    ['\u0141AAA', 0],
    ['AAAA\u{1f41f}', 4],
  ])('refuses %j', (text, offset) => {
    expect(() => fromBase64Url(text)).toThrow(MalformedBytes)
    try {
      fromBase64Url(text)
    } catch (error) {
      expect(error).toHaveProperty('offset', offset)
    }
  })
})

describe('hex', () => {
  it('goes there and back, in lower case', () => {
    fc.assert(
      fc.property(anyBytes, bytes => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
  })

  it.each(['0', '0x00', 'gg', '0 ', '/0', ':0', '@0', '`0', '\u0130a'])('refuses %j', text => {
    expect(() => fromHex(text)).toThrow(MalformedBytes)
  })
})

describe('UTF-8', () => {
  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
        expect(fromUtf8(toUtf8(text))).toBe(text)
      }),
    )
  })

  it('keeps a byte order mark', () => {
    expect(fromUtf8(toUtf8('\ufeffa'))).toBe('\ufeffa')
  })

  it.each(['80', 'c080', 'c1bf', 'e08080', 'eda080', 'f08080bf', 'f4908080', 'ff', '61c3', 'f5808080'])(
    'refuses %s',
    hex => {
      expect(() => fromUtf8(fromHex(hex))).toThrow(MalformedBytes)
      const long = concatBytes(new Uint8Array(200).fill(0x61), fromHex(hex))
      expect(() => fromUtf8(long)).toThrow(MalformedBytes)
    },
  )
})

describe('order of bytes', () => {
  it('is that of unsigned bytes, prefixes first', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
        expect(equalBytes(a, a.slice())).toBe(true)
      }),
    )
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false)
  })

  it('joins into new memory', () => {
    const part = Uint8Array.of(1, 2)
    const whole = concatBytes(part, new Uint8Array(0), part)
    part.fill(9)
    expect(whole).toEqual(Uint8Array.of(1, 2, 1, 2))
    expect(concatBytes()).toEqual(new Uint8Array(0))
  })
})
