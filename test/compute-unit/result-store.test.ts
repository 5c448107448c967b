import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { FrameResults } from '../../compute-unit/kept/frame-results.ts'
import { ResultStore } from '../../compute-unit/kept/result-store.ts'
import { asProcessId, CborWriter } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const P = asProcessId(fakeId(1))
const Q = asProcessId(fakeId(2))

/** Results of so many slots; what they hold names their slot. */
function frame(firstSlot: number, count: number, sizeBytes = 1): FrameResults {
  const writer = new CborWriter()
  writer.array(count)
  for (let slot = firstSlot; slot < firstSlot + count; slot++) writer.bytes(new Uint8Array(sizeBytes).fill(slot % 256))
  return new FrameResults(firstSlot, writer.finish())
}

/** Frames with these numbers of slots, from slot 0 on. */
function framesOf(counts: readonly number[]): FrameResults[] {
  let next = 0
  return counts.map(count => {
    next += count
    return frame(next - count, count)
  })
}

/** All slots up to `end`, as a reader goes through them; what of each frame is found is checked. */
async function readThrough(results: ResultStore, frames: readonly FrameResults[], end: number): Promise<void> {
  const read: FrameResults[] = []
  for (let slot = 0; slot < end; ) {
    const found = await results.framesFrom(P, slot, end)
    expect(found.length).toBeGreaterThan(0)
    read.push(...found)
    for (const { firstSlot, count } of found) {
      expect(firstSlot).toBe(slot)
      slot += count
    }
  }
  expect(read.map(({ bytes }) => bytes)).toEqual(frames.slice(0, read.length).map(({ bytes }) => bytes))
}

async function expectAll(results: ResultStore, frames: readonly FrameResults[]): Promise<void> {
  for (const { firstSlot, count, bytes } of frames) {
    for (let slot = firstSlot; slot < firstSlot + count; slot++) {
      const found = await results.frameOf(P, slot)
      expect([found?.firstSlot, found?.bytes]).toEqual([firstSlot, bytes])
    }
  }
}

/** Nobody lingers for long here. */
const CLOCK = { sleep: () => new Promise<void>(() => undefined) }

describe('results that are kept', () => {
  it('are found by the frame they are of, however they were gathered, and after a replay', async () => {
    const step = fc.oneof({ weight: 4, arbitrary: fc.constant('go on') }, fc.constant('flush'), fc.constant('replay'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(step),
        async (counts, steps) => {
          const store = new MemoryStore()
          const results = new ResultStore(store, CLOCK)
          const frames = framesOf(counts)
          for (const [at, one] of frames.entries()) {
            results.write(P, one)
            const { value } = steps.next()
            if (value === 'flush') results.flush(P)
            if (value === 'replay')
              for (const again of frames.slice(Math.floor(at / 2), at + 1)) results.write(P, again)
          }
          const { firstSlot, count } = frames.at(-1) ?? frame(0, 0)
          await expectAll(results, frames)
          await readThrough(results, frames, firstSlot + count)
          results[Symbol.dispose]()
          await expectAll(new ResultStore(store, CLOCK), frames)
          await readThrough(new ResultStore(store, CLOCK), frames, firstSlot + count)
          expect(await results.frameOf(P, firstSlot + count)).toBeUndefined()
          expect(await results.frameOf(Q, 0)).toBeUndefined()
        },
      ),
      { numRuns: 100 },
    )
  })

  it('share keys, and large ones do not wait for others', async () => {
    const store = new MemoryStore()
    using results = new ResultStore(store, CLOCK)
    const keys = async (): Promise<number> =>
      (await Array.fromAsync(store.range({ gte: new Uint8Array(0), lt: new Uint8Array(64).fill(255) }))).length
    for (const one of framesOf(new Array<number>(32).fill(1))) results.write(P, one)
    expect(await keys()).toBe(2)
    results.write(P, frame(32, 1, 40_000))
    expect(await keys()).toBe(3)
  })

  it('are read one behind the other by a look for a hundred, and no further than is asked for', async () => {
    const store = new MemoryStore()
    const results = new ResultStore(store, CLOCK)
    const frames = framesOf(new Array<number>(1_024).fill(1))
    for (const one of frames) results.write(P, one)
    results[Symbol.dispose]()
    const looks = vi.spyOn(store, 'range')
    await readThrough(results, frames, 1_024)
    expect(looks.mock.calls.length).toBeLessThan(1_024 / 50)
    looks.mockClear()
    expect(await results.framesFrom(P, 5, 6)).toHaveLength(11)
    expect(looks.mock.calls.length).toBe(1)
  })

  it('are forgotten from a slot on, those in the middle of a key too', async () => {
    const store = new MemoryStore()
    using results = new ResultStore(store, CLOCK)
    const frames = framesOf([2, 2, 2, 2, 2])
    for (const one of frames.slice(0, 4)) results.write(P, one)
    results.flush(P)
    for (const one of frames.slice(4)) results.write(P, one)
    await results.dropFrom(P, 4)
    await expectAll(results, frames.slice(0, 2))
    for (const slot of [4, 6, 8]) expect(await results.frameOf(P, slot)).toBeUndefined()
    results.write(P, frame(4, 3))
    expect((await results.frameOf(P, 6))?.count).toBe(3)
    await expectAll(results, frames.slice(0, 2))
  })
})
