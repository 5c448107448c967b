import { describe, expect, it } from 'vitest'
import { SinceCheckpoint } from '../../compute-unit/kept/since-checkpoint.ts'

describe('when a checkpoint is due', () => {
  it('is so after many slots, or much gas, whoever writes the feed', () => {
    for (const isTrusted of [true, false]) {
      const since = new SinceCheckpoint(isTrusted)
      since.add(1_999, 0n)
      expect(since.isDue(0)).toBe(false)
      since.add(1, 0n)
      expect(since.isDue(0)).toBe(true)
      since.reset(0)
      since.add(1, 20_000_000_000n)
      expect(since.isDue(0)).toBe(true)
    }
  })

  it('is so after some seconds where a replay would check signatures again, if there are slots enough', () => {
    const since = new SinceCheckpoint(false)
    since.reset(1_000)
    since.add(63, 0n)
    expect(since.isDue(60_000)).toBe(false)
    since.add(1, 0n)
    expect([since.isDue(3_999), since.isDue(4_000)]).toEqual([false, true])
    const trusted = new SinceCheckpoint(true)
    trusted.add(1_000, 0n)
    expect(trusted.isDue(60_000)).toBe(false)
  })

  it('comes less often where writing one takes long', () => {
    const since = new SinceCheckpoint(false)
    since.reset(0)
    since.wrote(200)
    since.add(64, 0n)
    expect([since.isDue(9_999), since.isDue(10_000)]).toEqual([false, true])
  })
})
