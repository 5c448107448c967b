import { describe, expect, it } from 'vitest'
import { KeptLines } from '../../../processes/agent/kept-lines.ts'

const CHUNKS = 50
const LINES_MAX = 300

/** Random numbers that are the same each time. */
function* numbers(): Generator<number, never> {
  for (let number = 1; ; ) {
    number = (Math.imul(number, 1_664_525) + 1_013_904_223) >>> 0
    yield number >>> 8
  }
}

describe('the lines that an agent keeps', () => {
  it('are those that were put last, in whatever order they grow, shrink and go', () => {
    const random = numbers()
    const [kept, expected] = [new KeptLines(), new Map<number, number[]>()]
    for (let turn = 0; turn < 5000; turn++) {
      const index = random.next().value % CHUNKS
      const length = Math.max(0, (random.next().value % LINES_MAX) - 100)
      const lines = Array.from({ length }, () => random.next().value)
      expect(kept.put(index, Int32Array.from(lines))).toBe(length > 0 || expected.has(index))
      if (length === 0) expected.delete(index)
      else {
        expected.set(index, lines)
        expect(kept.put(index, Int32Array.from(lines))).toBe(false)
      }
    }
    for (let index = 0; index < CHUNKS; index++) {
      const lines = kept.get(index)
      expect(lines && Array.from(lines)).toEqual(expected.get(index))
    }
    const told = new Map<number, number[]>()
    kept.each((index, words, from, length) => void told.set(index, Array.from(words.subarray(from, from + length))))
    expect(told).toEqual(expected)
  })

  it('take no more room however often they change', () => {
    const kept = new KeptLines()
    for (let turn = 0; turn < 10_000; turn++) {
      kept.put(turn % CHUNKS, new Int32Array(100 + (turn % 200)).fill(turn))
      kept.put((turn + 7) % CHUNKS, new Int32Array(0))
    }
    expect(kept.sizeBytes).toBeLessThan(2 * 4 * CHUNKS * 320)
  })

  it('of chunks that are none are gone with all of their room', () => {
    const kept = new KeptLines()
    kept.put(3, Int32Array.of(1, 2, 3))
    expect(kept.put(3, new Int32Array(0))).toBe(true)
    expect(kept.put(3, new Int32Array(0))).toBe(false)
    expect(kept.get(3)).toBeUndefined()
    kept.clear()
    expect(kept.sizeBytes).toBe(0)
  })
})
