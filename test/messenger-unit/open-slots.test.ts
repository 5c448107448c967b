import { expect, test } from 'vitest'
import { OpenSlots } from '../../messenger-unit/open-slots.ts'
import { SeededRandom } from '../../testing/simulation/seeded-random.ts'

test('a million slots with something open take no more memory than a thousand, and the lowest is known within a range of them', () => {
  const slots = new OpenSlots()
  for (let slot = 500; slot < 1_000_500; slot++) {
    slots.add(slot, 2)
    slots.remove(slot)
  }
  expect(slots.ranges).toBeLessThanOrEqual(1_024)
  for (let slot = 500; slot < 1_000_500; slot += 1_000) {
    expect(slots.lowest).toBeLessThanOrEqual(slot)
    expect(slots.lowest).toBeGreaterThan(slot - 3_000)
    for (let done = slot; done < slot + 1_000; done++) slots.remove(done)
  }
  expect([slots.isEmpty, slots.lowest]).toEqual([true, undefined])
  // What comes after a burst is counted exactly again.
  for (const slot of [2_000_003, 2_000_001]) slots.add(slot, 1)
  expect(slots.lowest).toBe(2_000_001)
})

test('nothing is open below the lowest, in whatever order slots are opened and finished', () => {
  const random = new SeededRandom('open slots')
  const slots = new OpenSlots()
  const open = new Map<number, number>()
  for (let step = 0; step < 30_000; step++) {
    const isOpening = open.size === 0 || random.integer(0, 99) < (step < 15_000 ? 70 : 20)
    if (isOpening) {
      const slot = random.integer(0, 100_000)
      open.set(slot, (open.get(slot) ?? 0) + 1)
      slots.add(slot, 1)
    } else {
      const [slot = 0, count = 0] = [...open][random.integer(0, Math.min(open.size, 50) - 1)] ?? []
      if (count > 1) open.set(slot, count - 1)
      else open.delete(slot)
      slots.remove(slot)
    }
    if (step % 97 === 0 && open.size > 0) expect(slots.lowest).toBeLessThanOrEqual(Math.min(...open.keys()))
    expect(slots.isEmpty).toBe(open.size === 0)
    expect(slots.ranges).toBeLessThanOrEqual(1_024)
  }
})
