import { describe, expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { CHAOS, relaysInChaos, seeds } from './chaos.ts'

describe('whatever goes wrong', { timeout: 600_000 }, () => {
  test.for(seeds(40))('messages between processes take effect exactly once (seed %i)', async seed => {
    await using net = await createTestNet({ ...CHAOS, nodes: 3, seed })
    await relaysInChaos(net)
    const { processes } = await net.expectConverged()
    expect(processes).toBe(3)
  })
})
