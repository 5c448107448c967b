import { beforeAll, describe, expect, it } from 'vitest'
import { type GuestFactory, toUtf8 } from '../../../protocol/index.ts'
import { fakeId, guestMessage } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage, type Step } from './agent-driver.ts'
import { PEER, referenceOf, reply } from './caller.ts'

let factory: GuestFactory
let next: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('caller')
  next = await loadAgent('caller-next')
}, 180_000)

function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  driver.run(spawnMessage())
  return driver
}

/** A new process of `to` in the state that a document tells. */
function restore(to: GuestFactory, document: unknown): { driver: AgentDriver; step: Step } {
  const driver = new AgentDriver(to)
  const data = toUtf8(JSON.stringify(document))
  const step = driver.run(guestMessage({ kind: 'restore', slot: 40, id: fakeId(40), data }))
  return { driver, step }
}

describe('the document of an agent', () => {
  it('tells its state, its schedules and who waits for an answer', () => {
    const agent = start()
    agent.send('later', { kind: 'every' })
    agent.send('ask', { peer: PEER })
    agent.push(PEER, ['Action', 'note', 'Reference', '5'], '{"text":"x"}')
    expect(agent.query('@export')).toEqual({
      v: 1,
      name: 'caller',
      version: '1.0.0',
      state: { log: ['before'] },
      schedules: [
        {
          key: 'later',
          message: 'tick',
          input: { text: 'every' },
          dueMs: expect.any(Number),
          everyMs: 60_000,
        },
      ],
      pending: [
        { message: fakeId(10_002), from: fakeId(3) },
        { message: fakeId(10_003), from: PEER, reference: '5' },
      ],
    })
  })

  it('is what a process of the same version goes on from', () => {
    const agent = start()
    agent.send('note', { text: 'one' })
    agent.send('later', { kind: 'in' })
    const { driver, step } = restore(factory, agent.query('@export'))
    expect(step.ending.status).toBe('ok')
    expect([...step.context.timers.keys()]).toEqual(['schedule/later'])
    expect(driver.query('log')).toEqual(['one'])
    driver.tick('schedule/later', 3_600_000)
    expect(driver.query('log')).toEqual(['one', 'in of self'])
    expect(driver.send('note', { text: 'two' }).output).toEqual({ reply: 3 })
  })

  it('leaves no number that was used before: a late reply to a call that ended with the upgrade is of no other', () => {
    const agent = start()
    const before = referenceOf(agent.send('ask', { peer: PEER }))
    const { driver } = restore(factory, agent.query('@export'))
    driver.slot = 41
    const after = referenceOf(driver.send('ask', { peer: PEER }))
    expect(reply(driver, before, 12).output).toEqual({})
    expect(reply(driver, after, 13).output).toMatchObject({ settled: [{ reply: 13 }] })
  })

  it('is turned into the state of the next version, whose schedules go on; those that wait are told', () => {
    const agent = start()
    agent.send('later', { kind: 'every' })
    agent.send('note', { text: 'one' })
    agent.push(PEER, ['Action', 'ask', 'Reference', '5'], JSON.stringify({ peer: fakeId(9) }))
    const { driver, step } = restore(next, agent.query('@export'))
    expect(step.output).toEqual({
      settled: [{ message: fakeId(10_003), error: { code: 'upgraded', message: expect.any(String) } }],
    })
    expect(step.context.sent.map(({ to }) => to)).toEqual([PEER])
    expect(driver.query('lines')).toEqual(['one', 'before'])
    driver.tick('schedule/later', 60_000)
    expect(driver.query('lines')).toEqual(['one', 'before', 'every anew'])
  })

  it('is refused by a version that cannot take it, with the reason', () => {
    const agent = start()
    agent.send('note', { text: 'poison' })
    const thrown = restore(next, agent.query('@export')).step.ending
    expect(thrown).toMatchObject({
      status: 'error',
      error: {
        code: 'threw',
        message: expect.stringMatching(/^this state cannot go on \(caller-next\.process\.ts:\d+:\d+\)$/),
      },
    })
    const unfit = restore(next, {
      v: 1,
      name: 'caller',
      version: '2.0.0',
      state: {},
      schedules: [],
      pending: [],
    })
    expect(unfit.step.ending).toMatchObject({ status: 'error', error: { code: 'bad-state' } })
    for (const document of [{ v: 2 }, [], null]) {
      expect(restore(next, document).step.ending).toMatchObject({
        status: 'error',
        error: { code: 'bad-snapshot' },
      })
    }
  })
})
