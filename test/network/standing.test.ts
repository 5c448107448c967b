import { afterEach, expect, it, vi } from 'vitest'
import { Standing } from '../../network/peers/standing.ts'
import { asKeyId } from '../../protocol/index.ts'

const PEER = asKeyId('A'.repeat(43))
const HOUR_MS = 3_600_000

afterEach(() => void vi.useRealTimers())

it('a small offence stays small when the clock of the machine is set back', () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const cut = vi.fn()
  const standing = new Standing(cut)
  standing.offend(PEER, 'bad-gossip')
  vi.setSystemTime(Date.now() - 3 * HOUR_MS)
  expect(standing.weight(PEER)).toBeLessThanOrEqual(20)
  standing.offend(PEER, 'bad-gossip')
  expect(cut).not.toHaveBeenCalled()
})

it('a ban ends after its time, whatever the clock of the machine is set to', () => {
  let nowMs = 0
  const standing = new Standing(
    () => undefined,
    () => nowMs,
  )
  standing.offend(PEER, 'bad-proof')
  expect(standing.isBanned(PEER)).toBe(true)
  nowMs += 10 * 60_000
  expect(standing.isBanned(PEER)).toBe(false)
})
