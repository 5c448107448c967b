import { describe, expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { type AgentAccount, agentsInChaos, CHAOS, seeds } from './chaos.ts'

/** Every third network has three nodes: what two cannot do wrong is rare, and costs twice as much to try. */
const nodesOf = (seed: number): number => (seed % 3 === 0 ? 3 : 2)

/** Every fourth has slots that fail: their timers are many, and ring often. */
const stormOf = (seed: number): { once: number } | undefined => (seed % 4 === 1 ? { once: 3 } : undefined)

describe('after restarts at random points, and slots that fail', { timeout: 600_000 }, () => {
  test.for(seeds(200))(
    'an awaited call has returned once, a timer has fired once, and a replay is the same (seed %i)',
    async seed => {
      const nodes = nodesOf(seed)
      await using net = await createTestNet({ ...CHAOS, nodes, seed })
      const storm = stormOf(seed)
      const accounts = await agentsInChaos(net, storm)
      for (const [i, account] of accounts.entries()) {
        const { answers, state, slept } = account
        // Each asks those behind it twice, and is asked twice by each before it.
        expect(answers).toHaveLength(2 * (nodes - 1 - i))
        expect(state.answers).toEqual(answers)
        expect(state.total).toBe(2 * i + (slept ? 1 : 0))
        // Once for each due time: while a call is awaited they wait, and are all there afterwards.
        const due = rings(account, 'tick').flatMap(({ dueMs, failed }) => (failed ? [] : [dueMs]))
        expect(due.length).toBeGreaterThanOrEqual(5)
        expect(new Set(due).size).toBe(due.length)
        expect(state.ticks).toHaveLength(due.length)
        if (storm !== undefined) expectEachOnce(account, storm.once)
      }
      await net.expectConverged()
    },
  )
})

/** What was due came, or failed with its slot and was told so; nothing was lost, and nothing came twice. */
function expectEachOnce(account: AgentAccount, once: number): void {
  for (let n = 0; n < once; n++) {
    const [first, ...again] = rings(account, `once-${n}`)
    expect(times(account, `once-${n}`)).toBe(first?.failed === false ? 1 : 0)
    // It rings until a slot ends well, and then no more.
    expect([first, ...again].map(ring => ring?.failed)).toEqual([...again.map(() => true), false])
  }
  // A date whose slot failed is over with the next that does not; after the storm it is calm.
  const cron = rings(account, 'cron')
  const came = cron.filter(({ failed }, at) => !failed && cron[at - 1]?.failed !== true)
  expect(times(account, 'cron')).toBe(came.length)
  expect(cron.slice(-3).map(({ failed }) => failed)).toEqual([false, false, false])
}

const rings = ({ rings }: AgentAccount, key: string) => rings.filter(({ timer }) => timer === `schedule/${key}`)
const times = ({ state }: AgentAccount, name: string): number => state.came.filter(one => one === name).length
