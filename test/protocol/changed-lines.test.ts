import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHANGED_LINES_MAX_BYTES, ChangedLines, layOver, takeOff } from '../../protocol/index.ts'

const CHUNK = 4096
const LINE = 32

/** The same by hand: a map of 128 bits and the lines that it names. */
function expected(chunk: Uint8Array, base: Uint8Array): number[] {
  const map = new Uint8Array(CHUNK / LINE / 8)
  const lines: number[] = []
  for (let line = 0; line < CHUNK / LINE; line++) {
    const now = chunk.subarray(line * LINE, (line + 1) * LINE)
    if (now.every((byte, at) => byte === base[line * LINE + at])) continue
    map[line >> 3] = (map[line >> 3] ?? 0) | (1 << (line & 7))
    lines.push(...now)
  }
  return lines.length === 0 ? [] : [...map, ...lines]
}

const places = fc.array(fc.oneof(fc.integer({ min: 0, max: CHUNK - 1 }), fc.constantFrom(0, 31, 32, 4064, 4095)), {
  maxLength: 40,
})

describe('changed lines', () => {
  it('are those in which a chunk differs, one chunk behind the other, wherever it lies', () => {
    const lines = new ChangedLines(8 * CHANGED_LINES_MAX_BYTES)
    const cases = fc.tuple(places, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 7 }))
    fc.assert(
      fc.property(fc.array(cases, { minLength: 1, maxLength: 8 }), all => {
        lines.clear()
        lines.bytes.fill(0xee)
        const wanted: number[] = []
        for (const [changed, filling, offset] of all) {
          const base = Uint8Array.from({ length: CHUNK }, (_, at) => filling + at * 13)
          const chunk = new Uint8Array(CHUNK + 8).subarray(offset, offset + CHUNK)
          chunk.set(base)
          for (const place of changed) chunk[place] = (chunk[place] ?? 0) ^ 0x80
          lines.add(chunk, base)
          wanted.push(...expected(chunk, base))
        }
        expect(lines.used).toBe(wanted.length)
        expect([...lines.bytes.subarray(0, lines.used)]).toEqual(wanted)
      }),
    )
  })

  it('make the chunk of its base, and the base of the chunk', () => {
    const lines = new ChangedLines(CHANGED_LINES_MAX_BYTES)
    fc.assert(
      fc.property(places, fc.integer({ min: 0, max: 255 }), (changed, filling) => {
        const base = Uint8Array.from({ length: CHUNK }, (_, at) => filling + at * 13)
        const chunk = base.slice()
        for (const place of changed) chunk[place] = (chunk[place] ?? 0) ^ 0x80
        lines.clear()
        lines.add(chunk, base)
        const found = lines.words.slice(0, lines.used / 4)
        // At the second of two places, so that what is beside it shows too.
        const both = new Uint8Array(2 * CHUNK).fill(0xee)
        both.set(base, CHUNK)
        const words = new Int32Array(both.buffer)
        layOver(words, CHUNK / 4, found)
        expect(Buffer.compare(both.subarray(CHUNK), chunk)).toBe(0)
        takeOff(words, CHUNK / 4, found, 0, new Int32Array(base.buffer), 0)
        expect(Buffer.compare(both.subarray(CHUNK), base)).toBe(0)
        expect(both.subarray(0, CHUNK).every(byte => byte === 0xee)).toBe(true)
      }),
    )
  })

  it('of a chunk that is another altogether are all of it', () => {
    const lines = new ChangedLines(CHANGED_LINES_MAX_BYTES)
    const chunk = Uint8Array.from({ length: CHUNK }, (_, at) => at * 7 + 1)
    lines.add(chunk, new Uint8Array(CHUNK))
    expect([...lines.bytes]).toEqual([...new Uint8Array(16).fill(255), ...chunk])
    expect(lines.used).toBe(CHANGED_LINES_MAX_BYTES)
  })

  it('of a chunk that is the same are none', () => {
    const lines = new ChangedLines(CHANGED_LINES_MAX_BYTES)
    const chunk = new Uint8Array(CHUNK).fill(5)
    lines.add(chunk, chunk)
    expect(lines.used).toBe(0)
  })
})
