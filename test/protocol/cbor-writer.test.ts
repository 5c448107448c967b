import { expect, test } from 'vitest'
import { CborWriter } from '../../protocol/codec/cbor-writer.ts'

const written = (value: number): CborWriter => {
  const writer = new CborWriter()
  writer.uint(value)
  return writer
}

test('what is lent is what was written, and nobody writes there while it is in use', () => {
  const seen = written(1).lend(bytes => {
    const inner = written(2).finish()
    return [Buffer.from(bytes).toString('hex'), Buffer.from(inner).toString('hex')]
  })
  expect(seen).toEqual(['01', '02'])
})

test('what is lent takes no room: the next stands where it stood', () => {
  const [first, second] = [1, 2].map(value => written(value).lend(bytes => bytes))
  expect([second?.buffer === first?.buffer, second?.byteOffset]).toEqual([true, first?.byteOffset])
})

test('what was given before stays as it is after what follows was lent, and after a failure', () => {
  const given = written(3).finish()
  expect(() =>
    written(4).lend(() => {
      throw new Error('of its own')
    }),
  ).toThrow('of its own')
  written(5).lend(bytes => bytes)
  expect([given[0], written(6).finish()[0]]).toEqual([3, 6])
})
