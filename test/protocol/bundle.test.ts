import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle } from '../../protocol/items/bundle.ts'
import { concatBytes, fromBase64Url, MalformedBytes, toBase64Url } from '../../protocol/codec/bytes.ts'
import { signDataItemSync } from '../../protocol/items/data-item.ts'
import vectors from '../vectors/data-items.json' with { type: 'json' }

const theirs = fromBase64Url(vectors.bundle.bytes)
const seed = new Uint8Array(32).fill(4)
const items = ['one', 'two', ''].map(data => signDataItemSync({ data }, seed))
const ours = encodeBundle(items)

function edited(at: number, value: number): Uint8Array {
  const copy = ours.slice()
  copy[at] = value
  return copy
}

describe('a bundle', () => {
  it('of arbundles gives its items in order', () => {
    const parsed = decodeBundle(theirs)
    expect(parsed.map(item => item.id)).toEqual(vectors.bundle.ids)
    expect(toBase64Url(encodeBundle(parsed))).toBe(vectors.bundle.bytes)
  })

  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), datas => {
        const made = datas.map(data => signDataItemSync({ data }, seed))
        expect(decodeBundle(encodeBundle(made)).map(({ bytes }) => bytes)).toEqual(made.map(item => item.bytes))
      }),
      { numRuns: 20 },
    )
  })

  it('gives views, not copies', () => {
    for (const { bytes } of decodeBundle(ours)) expect(bytes.buffer).toBe(ours.buffer)
  })

  it('is refused by whichever byte it is cut, and with a byte more', () => {
    for (let length = 0; length < ours.length; length++) {
      expect(() => decodeBundle(ours.subarray(0, length))).toThrow(MalformedBytes)
    }
    expect(() => decodeBundle(concatBytes(ours, new Uint8Array(1)))).toThrow(MalformedBytes)
  })

  it('is refused with any other count, size or id', () => {
    for (let at = 0; at < 32 + 64 * items.length; at++) {
      expect(() => decodeBundle(edited(at, (ours[at] ?? 0) ^ 1)), `byte ${at}`).toThrow(MalformedBytes)
      expect(() => decodeBundle(edited(at, (ours[at] ?? 0) ^ 0x80)), `byte ${at}`).toThrow(MalformedBytes)
    }
  })

  it('is refused when an item in it is malformed', () => {
    const start = 32 + 64 * items.length
    expect(() => decodeBundle(edited(start, 99))).toThrow('unsupported signature type')
    expect(() => decodeBundle(edited(start + 2 + 64 + 32, 7))).toThrow(MalformedBytes)
  })

  it('with a count beyond all memory costs nothing', () => {
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 1000; round++) {
      const huge = ours.slice(0, 400).fill(255, 0, 4)
      expect(() => decodeBundle(huge)).toThrow(MalformedBytes)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
  })
})
