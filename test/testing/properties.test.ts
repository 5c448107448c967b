import { describe, expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { agentsInChaos, relaysInChaos, seeds } from './chaos.ts'

const CHAOS = { nodes: 3, latency: ['1ms', '80ms'], disk: [0.1, 4], hosts: [0, 2] } as const

describe('whatever goes wrong', { timeout: 600_000 }, () => {
  test.for(seeds(20))(
    'messages between processes take effect exactly once (seed %i)',
    async seed => {
      await using net = await createTestNet({ ...CHAOS, seed })
      await relaysInChaos(net)
      const { processes } = await net.expectConverged()
      expect(processes).toBe(3)
    },
  )

  test.for(seeds(10))('an awaited call returns once, a timer fires once (seed %i)', async seed => {
    await using net = await createTestNet({ ...CHAOS, seed })
    const answers = await agentsInChaos(net)
    expect(answers.map(list => list.length)).toEqual([4, 2, 0])
    await net.expectConverged()
  })
})
