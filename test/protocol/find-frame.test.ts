import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, type FeedSpec, findFrame, type Log } from '../../protocol/index.ts'

const FEED = {} as FeedSpec
const ENVELOPE = new Uint8Array([0x80])

/** A feed whose frames have these numbers of slots, and how often it is looked into. */
function feedOf(counts: readonly number[]) {
  let next = 0
  const firsts: number[] = []
  const blocks = counts.map(count => {
    firsts.push(next)
    next += count
    return encodeFrame(
      next - count,
      Array.from({ length: count }, () => ({ timestampMs: 0, envelopeBytes: ENVELOPE })),
    )
  })
  const looks = { count: 0 }
  const log = {
    length: async () => blocks.length,
    block: async (_: FeedSpec, index: number) => {
      looks.count += 1
      return blocks[index]
    },
  } as unknown as Log
  return { log, looks, firsts, slots: next }
}

test('every slot is found in its frame, whatever sizes frames have, and none behind the last', async () => {
  const count = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200 }))
  await fc.assert(
    fc.asyncProperty(fc.array(count, { maxLength: 60 }), fc.nat(), async (counts, seed) => {
      const { log, looks, firsts, slots } = feedOf(counts)
      expect(await findFrame(log, FEED, slots)).toBeUndefined()
      if (slots === 0) return
      const slot = seed % slots
      looks.count = 0
      const found = await findFrame(log, FEED, slot)
      const index = firsts.findLastIndex(first => first <= slot)
      expect([found?.index, found?.firstSlot, found?.count]).toEqual([index, firsts[index], counts[index]])
      // Each third look halves what is left.
      expect(looks.count).toBeLessThanOrEqual(4 + 3 * Math.ceil(Math.log2(counts.length + 1)))
    }),
  )
})

test('where frames are alike, a slot of a long feed is found with a few looks', async () => {
  const { log, looks, slots } = feedOf(Array.from({ length: 10_000 }, (_, at) => 1 + ((at * 7) % 5)))
  for (let slot = 0; slot < slots; slot += 97) await findFrame(log, FEED, slot)
  expect(looks.count / Math.ceil(slots / 97)).toBeLessThan(5)
})

test('whoever names the frames found before and behind finds the next with one look where it is right behind, and always the right one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 60 }),
      fc.nat(),
      async (counts, seed) => {
        const { log, looks, firsts } = feedOf(counts)
        const frameAt = (index: number) => ({ index, firstSlot: firsts[index] ?? 0, count: counts[index] ?? 0 })
        const index = 1 + (seed % (counts.length - 2))
        const slot = (firsts[index] ?? 0) + (seed % (counts[index] ?? 1))
        const [lower, upper] = [seed % index, index + 1 + (seed % (counts.length - index - 1))]
        const between = { below: frameAt(lower), above: frameAt(upper) }
        expect((await findFrame(log, FEED, slot, between))?.index).toBe(index)
        looks.count = 0
        expect(
          (await findFrame(log, FEED, slot, { below: frameAt(index - 1), above: frameAt(index + 1) }))?.index,
        ).toBe(index)
        expect(looks.count).toBe(1)
      },
    ),
  )
})
