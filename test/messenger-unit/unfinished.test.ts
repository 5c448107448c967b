import { expect, test } from 'vitest'
import { Unfinished } from '../../messenger-unit/unfinished.ts'
import { asProcessId } from '../../protocol/index.ts'
import { SeededRandom } from '../../testing/simulation/seeded-random.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

test('the lowest slot with something left is known, in whatever order slots are opened and delivered', () => {
  const random = new SeededRandom('unfinished')
  const process = asProcessId(fakeId(1))
  const unfinished = new Unfinished(MemoryLog.open().store)
  unfinished.scheduled(process, 0, 1_000)
  unfinished.evaluated(process, 1_000)
  const open = new Map<number, number>()
  for (let step = 0; step < 5_000; step++) {
    const slots = [...open.keys()]
    if (slots.length === 0 || random.integer(0, 99) < (step % 1_000 < 500 ? 60 : 30)) {
      const slot = random.integer(0, 999)
      open.set(slot, (open.get(slot) ?? 0) + 1)
      unfinished.opened(process, slot, 1)
    } else {
      const slot = random.integer(0, 1) === 0 ? Math.min(...slots) : (slots[random.integer(0, slots.length - 1)] ?? 0)
      const left = (open.get(slot) ?? 0) - 1
      if (left > 0) open.set(slot, left)
      else open.delete(slot)
      unfinished.delivered(process, slot)
    }
    expect(unfinished.lowest(process)).toBe(Math.min(1_000, ...open.keys()))
  }
})
