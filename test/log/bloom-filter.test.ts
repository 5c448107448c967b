import { expect, test } from 'vitest'
import { BloomFilter } from '../../log/store/bloom-filter.ts'
import { sha256, toUtf8 } from '../../protocol/index.ts'

const keyOf = (name: string): Uint8Array => sha256(toUtf8(name))

test('never denies a key that was added, beyond its first layer too, and denies nearly all others', () => {
  const filter = new BloomFilter()
  const count = 150_000
  for (let i = 0; i < count; i++) filter.add(keyOf(`added ${i}`))
  for (let i = 0; i < count; i += 7) expect(filter.mayHave(keyOf(`added ${i}`))).toBe(true)
  let wrong = 0
  for (let i = 0; i < 10_000; i++) if (filter.mayHave(keyOf(`other ${i}`))) wrong++
  expect(wrong).toBeLessThan(300)
})

test('tells keys apart that differ in their last bytes only', () => {
  const filter = new BloomFilter()
  const key = keyOf('a')
  filter.add(key)
  let wrong = 0
  for (let i = 1; i < 256; i++) {
    const other = key.slice()
    other[31] = (other[31] ?? 0) ^ i
    if (filter.mayHave(other)) wrong++
  }
  expect(wrong).toBeLessThan(10)
})
