import { expect, it } from 'vitest'
import { findTag, QUEUE_FUEL_MIN } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, type Step } from './agent-driver.ts'

const CALLERS = 600
const TIMEOUT_MS = 120_000
const callerOf = (n: number): string => fakeId(1000 + n)

/** A gate at which a crowd of processes waits. */
async function crowded(program = 'gate'): Promise<AgentDriver> {
  const gate = await AgentDriver.open(program)
  for (let n = 0; n < CALLERS; n++) {
    const { ending } = gate.push(callerOf(n), ['Action', 'enter', 'Reference', String(n)], JSON.stringify({ who: n }))
    expect(ending.status).toBe('ok')
  }
  return gate
}

/** Who is answered in a slot, with what. */
const answersOf = ({ context }: Step): string[] =>
  context.sent
    .filter(({ tags }) => findTag(tags, 'Action') === 'Reply')
    .map(({ to, tags, data }) => `${to} ${findTag(tags, 'X-Reference')} ${Buffer.from(data).toString('utf8')}`)

const all = Array.from({ length: CALLERS }, (_, n) => `${callerOf(n)} ${n} ${n}`)
const next = (gate: AgentDriver, fuel?: bigint): Step =>
  gate.push(gate.process.id, ['Action', '@next'], '', fuel === undefined ? {} : { fuel })

it('requests of which more end in one slot than an outbox holds are all answered, once', {
  timeout: TIMEOUT_MS,
}, async () => {
  const gate = await crowded()
  const opened = gate.send('open', { count: CALLERS })
  expect(opened.output?.['reply']).toBe(0)
  const answers = answersOf(opened)
  expect(answers.length).toBeGreaterThan(100)
  expect(opened.context.sent.map(({ tags }) => findTag(tags, 'Action'))).toContain('@next')
  for (let slots = 0; answers.length < CALLERS && slots < 10; slots++) answers.push(...answersOf(next(gate)))
  expect(answers.toSorted()).toEqual(all.toSorted())
  expect(answersOf(next(gate))).toEqual([])
})

it('a message that brings little fuel sends none of them; the tick after it does', {
  timeout: TIMEOUT_MS,
}, async () => {
  const gate = await crowded()
  const answers = answersOf(gate.send('open', { count: CALLERS }))
  while (answers.length < CALLERS) {
    const spent = next(gate, QUEUE_FUEL_MIN - 1n)
    expect(spent.context.sent).toEqual([])
    const more = answersOf(gate.tick('agent/wake', 1000))
    expect(more.length).toBeGreaterThan(0)
    answers.push(...more)
  }
  expect(answers.toSorted()).toEqual(all.toSorted())
})

it('a slot that is full to the last message goes on all the same', { timeout: TIMEOUT_MS }, async () => {
  const gate = await crowded('full-gate')
  const filled = gate.send('fill', { sends: 250 })
  expect(filled.ending.status).toBe('ok')
  const answers = answersOf(filled)
  expect([answers.length, filled.context.sent.length]).toEqual([0, 251])
  for (let slots = 0; answers.length < CALLERS && slots < 10; slots++) answers.push(...answersOf(next(gate)))
  expect(answers.toSorted()).toEqual(all.toSorted())
})

it('answers that are still to be sent count as pending, and whoever waits hears of an upgrade', {
  timeout: TIMEOUT_MS,
}, async () => {
  const gate = await crowded()
  const answers = answersOf(gate.send('open', { count: CALLERS }))
  const { pending } = gate.query('@export') as { pending: { reference: string }[] }
  expect(pending).toHaveLength(CALLERS - answers.length)
})

it('a reply that is too long for an outbox is an error that the asker hears of', { timeout: TIMEOUT_MS }, async () => {
  const caller = await AgentDriver.open('caller')
  for (let n = 0; n < 10; n++) expect(caller.send('note', { text: 'x'.repeat(200_000) }).ending.status).toBe('ok')
  const asked = caller.push(callerOf(1), ['Action', 'log', 'Reference', '7'])
  expect(asked.context.sent.map(({ tags }) => [findTag(tags, 'X-Reference'), findTag(tags, 'Error')])).toEqual([
    ['7', 'outbox-limit'],
  ])
})
