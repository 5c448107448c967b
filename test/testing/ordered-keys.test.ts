import { describe, expect, it } from 'vitest'
import { OrderedKeys } from '../../testing/memory/ordered-keys.ts'
import { SeededRandom } from '../../testing/simulation/seeded-random.ts'

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

describe('keys in order', () => {
  it('gives the ranges that a sorted list gives, whatever came and went', () => {
    const random = new SeededRandom('ordered-keys')
    // Many with one prefix, some with others, shorter than one, or one themselves.
    const key = (): string => {
      const group = random.integer(0, 8)
      const prefix = group === 0 ? '' : `${group % 4}${'-'.repeat(10 + (group % 4))}`
      return prefix + random.integer(0, 9_999).toString().padStart(4, '0')
    }
    const before = Array.from({ length: 2_000 }, key)
    const known = new Set(before)
    const keys = new OrderedKeys(known)
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 100; n++) {
        const one = key()
        if (random.integer(0, 2) === 0) {
          known.delete(one)
          keys.delete(one)
        } else if (!known.has(one)) {
          known.add(one)
          keys.add(one)
        }
      }
      const [gte = '', lt = ''] = [key(), key()].sort(byCode)
      const limit = random.integer(0, 3) === 0 ? Infinity : random.integer(0, 800)
      const inside = [...known].filter(one => one >= gte && one < lt).sort(byCode)
      expect(keys.range(gte, lt, limit, false)).toEqual(inside.slice(0, limit))
      expect(keys.range(gte, lt, limit, true)).toEqual(inside.reverse().slice(0, limit))
    }
    expect(keys.range('', ':', Infinity, false)).toEqual([...known].sort(byCode))
    for (const one of known) keys.delete(one)
    expect(keys.range('', ':', Infinity, true)).toEqual([])
  })
})
