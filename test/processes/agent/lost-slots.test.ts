import { beforeAll, expect, it } from 'vitest'
import type { GuestFactory } from '../../../protocol/index.ts'
import { loadAgent } from './agent-driver.ts'
import { HostedAgent, MIDNIGHT_MS, outputOf } from './hosted-agent.ts'

const MINUTE_MS = 60_000
const SCHEDULE = 'schedule/it'

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('stormy')
}, 180_000)

/** Rings until a slot ends well; gives that, and after how long each rang that failed. */
function ringToTheEnd(agent: HostedAgent) {
  const failed: number[] = []
  for (;;) {
    const result = agent.ring()
    if (result.status === 'ok') return { result, failed }
    expect(result).toMatchObject({ status: 'error', error: { code: 'trap' } })
    failed.push((agent.timers()[0]?.dueMs ?? 0) - agent.nowMs)
  }
}

it('a cron whose slot fails as a whole goes on at its next date, and what failed is told and not run', () => {
  const agent = new HostedAgent(factory)
  agent.send('plan', { kind: 'cron' })
  agent.send('storm', { ms: String(MINUTE_MS + 5000) })
  const { result, failed } = ringToTheEnd(agent)
  expect(failed).toEqual([1000, 2000, 4000])
  expect(outputOf(result)).toMatchObject({ settled: [{ error: { code: 'slot-failed' } }] })
  expect(agent.timers()).toEqual([{ key: SCHEDULE, dueMs: MIDNIGHT_MS + 2 * MINUTE_MS }])
  expect(outputOf(agent.ring())).toEqual({})
  expect(agent.log()).toEqual(['cron 02:00'])
  expect(agent.replayed()).toBe(agent.root)
})

it('a schedule that comes once has come if its slot fails as a whole: that is told, and it is over', () => {
  const agent = new HostedAgent(factory)
  agent.send('plan', { kind: 'once' })
  agent.send('storm', { ms: String(MINUTE_MS + 500) })
  const { result, failed } = ringToTheEnd(agent)
  expect(failed).toEqual([1000])
  expect(outputOf(result)).toMatchObject({ settled: [{ error: { code: 'slot-failed' } }] })
  expect(agent.timers()).toEqual([])
  expect(agent.log()).toEqual([])
  expect(agent.replayed()).toBe(agent.root)
})

it('one that is set anew or taken back before it rings again knows nothing of the slot that failed', () => {
  for (const [action, log] of [
    ['plan', ['again 02:00']],
    ['cancel', []],
  ] as const) {
    const agent = new HostedAgent(factory)
    agent.send('plan', { kind: 'once' })
    agent.send('storm', { ms: String(MINUTE_MS + 500) })
    expect(agent.ring().status).toBe('error')
    agent.send(action, action === 'plan' ? { kind: 'again' } : {})
    for (const { dueMs } of agent.timers()) expect([dueMs, agent.ring().status]).toEqual([dueMs, 'ok'])
    expect(agent.log()).toEqual(log)
    expect(agent.timers()).toEqual([])
  }
})

it('what waits for a time is woken although its slots fail as a whole', () => {
  const agent = new HostedAgent(factory)
  for (const ms of [10_000, 10_001, 10_002]) agent.send('nap', { ms: String(ms) })
  agent.send('storm', { ms: '10500' })
  const { failed } = ringToTheEnd(agent)
  expect(failed).toEqual([1000])
  expect(agent.log()).toEqual(['slept 10000'])
  // The others were not tried alone, and are woken together.
  expect(agent.ring().status).toBe('ok')
  expect(agent.log()).toEqual(['slept 10000', 'slept 10001', 'slept 10002'])
  expect(agent.timers()).toEqual([])
})

it('of what waits for a time the first is ended whose slot fails even with it alone, and the others are woken', () => {
  const agent = new HostedAgent(factory)
  for (const ms of [10_000, 10_001]) agent.send('nap', { ms: String(ms) })
  agent.send('storm', { ms: '12000' })
  const { result, failed } = ringToTheEnd(agent)
  expect(failed).toEqual([1000, 2000])
  expect(outputOf(result)).toMatchObject({ settled: [{ error: { code: 'slot-failed' } }] })
  agent.ring()
  expect(agent.log()).toEqual(['slept 10001'])
  expect(agent.timers()).toEqual([])
  expect(agent.replayed()).toBe(agent.root)
})

it('an upgrade takes over what is about to ring again, as what has not come yet', () => {
  const agent = new HostedAgent(factory)
  agent.send('plan', { kind: 'cron' })
  agent.send('nap', { ms: '60000' })
  agent.send('storm', { ms: String(10 * MINUTE_MS) })
  for (let n = 0; n < 4; n++) expect(agent.ring().status).toBe('error')
  expect(agent.upgrade()).toMatchObject({ status: 'ok' })
  expect(agent.timers()).toEqual([{ key: SCHEDULE, dueMs: agent.nowMs + 1000 }])
  expect(agent.ring().status).toBe('ok')
  expect(agent.timers()).toEqual([{ key: SCHEDULE, dueMs: MIDNIGHT_MS + 2 * MINUTE_MS }])
  expect(agent.log()).toEqual([expect.stringMatching(/^cron 01:/)])
  expect(agent.replayed()).toBe(agent.root)
})

it('rings later each time, up to a bound, and another host goes on with that', () => {
  const agent = new HostedAgent(factory)
  agent.send('plan', { kind: 'once' })
  agent.send('storm', { ms: String(1e15) })
  const pauses: number[] = []
  for (let n = 0; n < 19; n++) {
    expect(agent.ring().status).toBe('error')
    pauses.push((agent.timers()[0]?.dueMs ?? 0) - agent.nowMs)
    if (n % 5 === 0) agent.restart()
  }
  expect(pauses).toEqual(Array.from({ length: 19 }, (_, n) => 1000 * 2 ** Math.min(n, 16)))
  expect(agent.replayed()).toBe(agent.root)
})
