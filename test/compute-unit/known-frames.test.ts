import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { type KnownFrame, KnownFrames } from '../../compute-unit/following/known-frames.ts'

const frame = (index: number): KnownFrame => ({ index, bytes: Uint8Array.of(index) })

it('frames lie in the order of their places, however they come, and go one by one', () => {
  const frames = new KnownFrames()
  const [first, second, third] = [frame(0), frame(1), frame(2)]
  frames.accept(third)
  frames.accept(first)
  expect([0, 1, 2].map(index => frames.get(index))).toEqual([first, undefined, third])
  frames.accept(second)
  frames.delete(0)
  expect([0, 1, 2].map(index => frames.get(index))).toEqual([undefined, second, third])
  expect(frames.end).toBe(3)
})

it('what was on its way is forgotten, and where the log ends all behind it', () => {
  const frames = new KnownFrames()
  frames.accept(frame(0))
  frames.accept(frame(1))
  frames.expect(frame(2))
  frames.forgetEarly()
  expect([frames.get(1) !== undefined, frames.get(2), frames.end]).toEqual([true, undefined, 2])
  expect(frames.stored(1, undefined)).toBeUndefined()
  expect([frames.get(0) !== undefined, frames.get(1), frames.end]).toEqual([true, undefined, 1])
})

it('of frames that are gone nothing outlives a collection of young objects, though these have outlived many (0043)', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const [passing, texts] = [2_000, 100]
  const frames = new KnownFrames()
  frames.accept(frame(0))
  collect()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < passing; index++) {
    const heavy = { ...frame(index + 1), verdicts: Array.from({ length: texts }, (_, at) => ({ at })) as never }
    frames.accept(heavy)
    frames.delete(index)
  }
  collect({ type: 'minor' })
  collect({ type: 'minor' })
  const kept = process.memoryUsage().heapUsed - before
  // Each of them takes 1.5 KB.
  expect(kept / passing).toBeLessThan(500)
})
