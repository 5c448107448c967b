import { expect, it } from 'vitest'
import { findTag, OUTBOX_SIZE_MAX_BYTES, QUEUE_FUEL_MIN, toUtf8 } from '../../../protocol/index.ts'
import { fakeId, guestMessage, tags } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, type Step } from './agent-driver.ts'

const CALLERS = 600
const TIMEOUT_MS = 120_000
const callerOf = (n: number): string => fakeId(1000 + n)

/** A gate at which a crowd of processes waits. */
async function crowded(program = 'gate', callers = CALLERS): Promise<AgentDriver> {
  const gate = await AgentDriver.open(program)
  for (let n = 0; n < callers; n++) {
    const { ending } = gate.push(callerOf(n), ['Action', 'enter', 'Reference', String(n)], JSON.stringify({ who: n }))
    expect(ending.status).toBe('ok')
  }
  return gate
}

/** A gate at which processes wait for replies of such texts. */
async function longGate(...texts: readonly string[]): Promise<AgentDriver> {
  const gate = await AgentDriver.open('long-gate')
  for (const [n, text] of texts.entries()) {
    const { ending } = gate.push(callerOf(n), ['Action', 'enter', 'Reference', String(n)], JSON.stringify({ text }))
    expect(ending.status).toBe('ok')
  }
  return gate
}

const bytesSent = ({ context }: Step): number => context.sent.reduce((sum, { data }) => sum + data.length, 0)

/** Which calls are told which error in a slot. */
const errorsOf = ({ context }: Step): (string | undefined)[][] =>
  context.sent
    .filter(({ tags }) => findTag(tags, 'Action') === 'Error')
    .map(({ to, tags }) => [to, findTag(tags, 'X-Reference'), findTag(tags, 'Error')])

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

it('long replies of one slot all arrive, and the agent goes on', { timeout: TIMEOUT_MS }, async () => {
  const lengths = [1_000_000, 900_000 - 400, 1_050_000]
  const gate = await longGate(...lengths.map((length, n) => String(n).repeat(length)))
  const slots = [gate.send('open')]
  expect(slots[0]?.ending.status).toBe('ok')
  const quiet = gate.query('@export') as { pending: unknown[] }
  expect(quiet.pending.length).toBeGreaterThan(0)
  for (let n = 0; n < 3; n++) slots.push(next(gate))
  for (const step of slots) expect(bytesSent(step)).toBeLessThan(OUTBOX_SIZE_MAX_BYTES)
  const answers = slots.flatMap(answersOf)
  expect(answers.map(text => [text.split(' ')[1], text.split(' ')[2]?.length]).toSorted()).toEqual(
    lengths.map((length, n) => [String(n), length + 2]),
  )
  expect(gate.push(callerOf(9), ['Action', 'enter', 'Reference', '9'], '{"text":"again"}').ending.status).toBe('ok')
  expect(answersOf(gate.send('open'))).toEqual([`${callerOf(9)} 9 "again"`])
})

it('a reply that fits no slot is an error at once, in bytes as the host counts; others are answered', {
  timeout: TIMEOUT_MS,
}, async () => {
  const gate = await longGate('x'.repeat(1_950_000), '€'.repeat(700_000), '€'.repeat(600_000), 'short')
  const opened = gate.send('open')
  expect(opened.ending.status).toBe('ok')
  const slots = [opened, next(gate)]
  expect(slots.flatMap(errorsOf)).toEqual([
    [callerOf(0), '0', 'outbox-limit'],
    [callerOf(1), '1', 'outbox-limit'],
  ])
  expect(slots.flatMap(answersOf).map(text => text.length)).toEqual(
    ['€'.repeat(600_000), 'short'].map((text, n) => `${callerOf(0)} ${n} "${text}"`.length),
  )
  for (const step of slots) expect(bytesSent(step)).toBeLessThan(OUTBOX_SIZE_MAX_BYTES)
})

it('a query costs no more for answers that wait', { timeout: TIMEOUT_MS }, async () => {
  const askedWith = async (callers: number): Promise<number> => {
    const gate = await crowded('gate', callers)
    gate.send('open', { count: callers })
    const query = guestMessage({ kind: 'query', tags: tags('Action', 'knocks'), timestampMs: gate.nowMs })
    return Number(gate.run(query).ending.gas)
  }
  expect(await askedWith(CALLERS)).toBeLessThan((await askedWith(CALLERS / 2)) * 1.1)
})

it('an upgrade tells all who wait, however many: those who find no room in later slots', {
  timeout: TIMEOUT_MS,
}, async () => {
  const waiting = 400
  const gate = await crowded('gate', waiting + 200)
  gate.send('open', { count: waiting + 200 })
  const document = gate.query('@export') as { pending: unknown[] }
  expect(document.pending).toHaveLength(waiting)
  const upgraded = new AgentDriver(await loadAgent('gate'))
  const restored = upgraded.run(
    guestMessage({ kind: 'restore', slot: 40, id: fakeId(40), data: toUtf8(JSON.stringify(document)) }),
  )
  expect(restored.ending.status).toBe('ok')
  expect(restored.context.sent.map(({ tags }) => findTag(tags, 'Action'))).toContain('@next')
  const told = errorsOf(restored)
  // Once more: those who are still to be told are handed on.
  const again = upgraded.query('@export') as { pending: unknown[] }
  expect(again.pending).toHaveLength(waiting - told.length)
  for (let slots = 0; told.length < waiting && slots < 10; slots++) told.push(...errorsOf(next(upgraded)))
  const expected = Array.from({ length: waiting }, (_, n) => [callerOf(200 + n), String(200 + n), 'upgraded'])
  expect(told).toEqual(expected)
  expect(errorsOf(next(upgraded))).toEqual([])
  expect(upgraded.query('knocks')).toBe(waiting + 200)
})
