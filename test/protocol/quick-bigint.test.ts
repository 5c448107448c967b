import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toBigInt, toNumber } from '../../protocol/codec/quick-bigint.ts'

it('numbers become bigints and bigints numbers as the language has it', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), value => {
      expect(toBigInt(value)).toBe(BigInt(value))
      expect(toNumber(BigInt(value))).toBe(value)
    }),
  )
  const edges = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER]
  for (const value of edges) expect([toBigInt(value), toNumber(BigInt(value))]).toEqual([BigInt(value), value])
})

it('what is beyond the safe ones does not pass for safe', () => {
  fc.assert(
    fc.property(fc.bigInt(BigInt(Number.MAX_SAFE_INTEGER) + 1n, 2n ** 64n - 1n), value => {
      expect(Number.isSafeInteger(toNumber(value))).toBe(false)
    }),
  )
})
