import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHUNK_SIZE_BYTES, chunkDifference, wholeChunk } from '../../protocol/index.ts'

const whole = (difference: Uint8Array, base: Uint8Array): Uint8Array => {
  const chunk = new Uint8Array(CHUNK_SIZE_BYTES).fill(0xee)
  wholeChunk(difference, base, chunk)
  return chunk
}

const changes = fc.array(fc.tuple(fc.nat(CHUNK_SIZE_BYTES - 1), fc.nat(255)), { maxLength: 3000 })

describe('the difference of a chunk', () => {
  it('gives the chunk back, whatever changed', () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const base = new Uint8Array(CHUNK_SIZE_BYTES)
        for (const [at, value] of first) base[at] = value
        const chunk = base.slice()
        for (const [at, value] of second) chunk[at] = value
        const difference = chunkDifference(chunk, base)
        expect(difference.length).toBeLessThanOrEqual(CHUNK_SIZE_BYTES)
        expect(whole(difference, base)).toEqual(chunk)
      }),
    )
  })

  it('is nothing for an equal chunk, and short for few changes', () => {
    const base = Uint8Array.from({ length: CHUNK_SIZE_BYTES }, (_, at) => at)
    expect(chunkDifference(base, base)).toEqual(new Uint8Array(0))
    const chunk = base.slice()
    chunk[0] = 9
    chunk[7] = 9
    chunk[4095] = 9
    expect([...chunkDifference(chunk, base)]).toEqual([0, 0, 8, 0, 9, 1, 2, 3, 4, 5, 6, 9, 255, 15, 1, 0, 9])
  })

  it('is refused if it leaves its chunk or is cut short', () => {
    const base = new Uint8Array(CHUNK_SIZE_BYTES)
    for (const damaged of [
      [255, 15, 2, 0, 1, 1],
      [0, 0, 5, 0, 1],
      [0, 0, 5],
    ]) {
      expect(() => whole(Uint8Array.from(damaged), base)).toThrow(RangeError)
    }
  })
})
