import { beforeAll, expect, it } from 'vitest'
import { findTag, type GuestFactory } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'

const WAKE = 'agent/wake'
const PEER = fakeId(77)
const OTHER = fakeId(78)
const NO_END = { code: 'no-end', message: expect.stringContaining('waits for a promise that nothing can settle') }

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('stuck')
}, 180_000)

function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

const idOf = (slot: number): string => fakeId(10_000 + slot)
const begun = (agent: AgentDriver): unknown => agent.send('ask').output?.['reply']

it('a message that can never end fails at once, and its agent takes the next', () => {
  const agent = start()
  expect(agent.send('never').ending).toMatchObject({ status: 'error', error: NO_END })
  expect(begun(agent)).toBe(0)
})

it('a process that asked is told', () => {
  const agent = start()
  const { ending, output, context } = agent.push(PEER, ['Action', 'never', 'Reference', '5'])
  expect(ending.status).toBe('ok')
  expect(output).toEqual({ settled: [{ message: idOf(1), error: NO_END }] })
  expect(context.sent.map(({ to, tags }) => [to, findTag(tags, 'X-Reference'), findTag(tags, 'Error')])).toEqual([
    [PEER, '5', 'no-end'],
  ])
  expect(begun(agent)).toBe(0)
})

it('one that waited for a reply first fails when that has come, and what it did after it is undone', () => {
  const agent = start()
  const asked = agent.send('afterReply', { peer: PEER })
  expect(asked.output).toEqual({ pending: true })
  const reference = findTag(asked.context.sent[0]?.tags ?? [], 'Reference') ?? ''
  const replied = agent.push(PEER, ['Action', 'Reply', 'X-Reference', reference], '1')
  expect(replied.output).toEqual({ settled: [{ message: idOf(1), error: NO_END }] })
  expect(begun(agent)).toBe(0)
})

it.each(['afterSleep', 'afterTimer'])('%s: so does one that waited for time to pass', action => {
  const agent = start()
  expect(agent.send(action).output).toEqual({ pending: true })
  expect(agent.tick(WAKE, 5000).output).toEqual({ settled: [{ message: idOf(1), error: NO_END }] })
  expect(begun(agent)).toBe(0)
})

it('those that wait behind it have their turn', () => {
  const agent = start()
  agent.send('afterSleep')
  expect(agent.send('never').output).toEqual({ pending: true })
  expect(agent.send('ask').output).toEqual({ pending: true })
  expect(agent.tick(WAKE, 5000).output).toEqual({
    settled: [
      { message: idOf(1), error: NO_END },
      { message: idOf(2), error: NO_END },
      { message: idOf(3), reply: 0 },
    ],
  })
})

/** A request of one process is answered; what it asked of another is still under way. */
function withCall(agent: AgentDriver): string {
  const { context } = agent.push(PEER, ['Action', 'begin', 'Reference', '5'], JSON.stringify({ peer: OTHER }))
  const references = context.sent.map(({ tags }) => findTag(tags, 'Reference') ?? '')
  return references.find(reference => reference !== '') ?? ''
}

it('one that waited for the reply to another fails alone: that one has its answer already', () => {
  const agent = start()
  const reference = withCall(agent)
  expect(agent.send('afterOther').output).toEqual({ pending: true })
  const replied = agent.push(OTHER, ['Action', 'Reply', 'X-Reference', reference], '1')
  expect(replied.output).toEqual({ settled: [{ message: idOf(2), error: NO_END }] })
  expect(replied.context.sent).toEqual([])
  expect(begun(agent)).toBe(0)
})

it('one that failed is not answered again, should its promise be settled after all', () => {
  const agent = start()
  const reference = withCall(agent)
  expect(agent.push(PEER, ['Action', 'held', 'Reference', '6']).output).toEqual({ pending: true })
  agent.push(OTHER, ['Action', 'Reply', 'X-Reference', reference], '1')
  const released = agent.send('release')
  expect(released.output).toEqual({})
  expect(released.context.sent).toEqual([])
})

it('what is thrown and no Error is told as it is', () => {
  expect(start().send('throwOdd').ending).toMatchObject({ error: { code: 'threw', message: '{"why":"odd"}' } })
})
