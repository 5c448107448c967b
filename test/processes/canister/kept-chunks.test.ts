import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeptChunks } from '../../../processes/canister/kept-chunks.ts'
import { CHUNK_SIZE_BYTES } from '../../../protocol/index.ts'

const chunk = (fill: number): Uint8Array => new Uint8Array(CHUNK_SIZE_BYTES).fill(fill)

/** What stands in every chunk, as one number each. */
const seen = (kept: KeptChunks): [number, number][] =>
  [...kept.indexes()]
    .map((index): [number, number] => [index, kept.get(index)[CHUNK_SIZE_BYTES - 1] ?? -1])
    .sort(([a], [b]) => a - b)

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      index: fc.nat(600),
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('keep' as const, 'discard' as const) }) },
)

describe('the chunks of a canister', () => {
  it('are those of the last slot that was kept, however they came', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(600), { maxLength: 300 }),
        fc.array(step, { maxLength: 300 }),
        (restored, steps) => {
          const kept = new KeptChunks()
          kept.restore(new Map(restored.map(index => [index, chunk(7)])))
          let model = new Map(restored.map(index => [index, 7]))
          let slot = new Map(model)
          for (const one of steps) {
            if (one.kind === 'put') {
              kept.put(one.index, chunk(one.fill))
              slot.set(one.index, one.fill)
            } else if (one.kind === 'keep') {
              kept.keep()
              model = new Map(slot)
            } else {
              kept.discard()
              slot = new Map(model)
            }
            expect([...kept.indexes()]).toHaveLength(slot.size)
          }
          expect(seen(kept)).toEqual([...slot].sort(([a], [b]) => a - b))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('give back the room that one large slot took', () => {
    const kept = new KeptChunks()
    const all = new Map(Array.from({ length: 3_000 }, (_, index) => [index, chunk(1)]))
    kept.restore(all)
    const before = kept.sizeBytes
    for (const round of [2, 3]) {
      for (const index of all.keys()) kept.put(index, chunk(round))
      kept.keep()
    }
    // A second version of everything lay beside the first.
    expect(kept.sizeBytes).toBeLessThan(2 * before)
    for (const index of all.keys()) kept.put(index, chunk(4))
    expect(kept.discard()).toHaveLength(all.size)
    expect(seen(kept).every(([, fill]) => fill === 3)).toBe(true)
    expect(kept.takeChanged()).toHaveLength(all.size)
  })

  it('take little more room than they need', () => {
    const kept = new KeptChunks()
    kept.restore(new Map(Array.from({ length: 49 }, (_, index) => [index, chunk(1)])))
    expect(kept.sizeBytes).toBe(49 * CHUNK_SIZE_BYTES)
    kept.put(1, chunk(2))
    expect(kept.sizeBytes).toBe(57 * CHUNK_SIZE_BYTES)
    for (let fill = 3; fill < 100; fill++) {
      kept.keep()
      kept.put(fill % 8, chunk(fill))
    }
    expect(kept.sizeBytes).toBe(57 * CHUNK_SIZE_BYTES)
  })

  it('give their memory back when they are closed, at once', () => {
    const kept = new KeptChunks()
    kept.put(3, new Uint8Array(4096).fill(7))
    kept.keep()
    const view = kept.get(3)
    expect([view.length, kept.sizeBytes > 0]).toEqual([4096, true])
    kept.close()
    expect([view.buffer.byteLength, kept.sizeBytes, kept.has(3)]).toEqual([0, 0, false])
  })
})
