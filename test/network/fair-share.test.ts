import { expect, test } from 'vitest'
import { FairShare } from '../../network/links/fair-share.ts'

test('who is alone may have all of it, and no more', () => {
  const room = new FairShare(100)
  const one = room.open()
  expect([one.take(60), one.take(40), one.take(1)]).toEqual([true, true, false])
  one.give(10)
  expect([one.take(11), one.take(10)]).toEqual([false, true])
})

test('of what is full an equal part is for each, whoever came first', () => {
  const room = new FairShare(100)
  const greedy = room.open()
  greedy.take(100)
  const modest = Array.from({ length: 3 }, () => room.open())
  for (const share of modest) expect([share.take(20), share.take(6), share.take(5)]).toEqual([true, false, true])
  expect(room.taken).toBeLessThanOrEqual(200)
  greedy.close()
  expect(room.taken).toBe(75)
  expect(modest.map(share => share.take(1))).toEqual([true, true, true])
})
