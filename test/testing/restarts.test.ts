import { describe, expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { agentsInChaos, CHAOS, seeds } from './chaos.ts'

/** Every third network has three nodes: what two cannot do wrong is rare, and costs twice as much to try. */
const nodesOf = (seed: number): number => (seed % 3 === 0 ? 3 : 2)

describe('after restarts at random points', { timeout: 600_000 }, () => {
  test.for(seeds(200))(
    'an awaited call has returned once, a timer has fired once, and a replay is the same (seed %i)',
    async seed => {
      const nodes = nodesOf(seed)
      await using net = await createTestNet({ ...CHAOS, nodes, seed })
      const accounts = await agentsInChaos(net)
      for (const [i, { answers, state, due }] of accounts.entries()) {
        // Each asks those behind it twice, and is asked twice by each before it.
        expect(answers).toHaveLength(2 * (nodes - 1 - i))
        expect(state.answers).toEqual(answers)
        expect(state.total).toBe(2 * i)
        // Once for each due time: while a call is awaited they wait, and are all there afterwards.
        expect(due.length).toBeGreaterThanOrEqual(5)
        expect(new Set(due).size).toBe(due.length)
        expect(state.ticks).toHaveLength(due.length)
      }
      await net.expectConverged()
    },
  )
})
