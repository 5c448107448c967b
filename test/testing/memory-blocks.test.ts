import { expect, test } from 'vitest'
import { MemoryBlocks } from '../../testing/memory/memory-blocks.ts'

const MiB = 1024 * 1024
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

test('blocks are read as they were kept, whatever their length, and whatever is done with what they were kept from', () => {
  const blocks = new MemoryBlocks()
  const kept = [0, 1, MiB - 1, 2, MiB, MiB + 1, 3, 3 * MiB, MiB, 0].map((length, at) => of(length, at))
  const numbers = kept.map(block => blocks.keep(block))
  const copies = kept.map(block => block.slice())
  for (const block of kept) block.fill(99)
  for (const [at, number] of numbers.entries())
    expect(Buffer.compare(blocks.read(number), copies[at] ?? of(1, 0)), `block ${at}`).toBe(0)
  expect(() => blocks.read(kept.length)).toThrow('no such block')
})
