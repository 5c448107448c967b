import { beforeAll, describe, expect, it } from 'vitest'
import { type GuestFactory, OUTPUT_SIZE_MAX_BYTES } from '../../../protocol/index.ts'
import { SENDER } from '../../compute-unit/scripted-guest.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'
import { HostedAgent, outputOf } from './hosted-agent.ts'

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('anything')
}, 180_000)

/** What comes of code in a message; others are answered as before, and a replay is the same. */
function run(code: string, tags: Readonly<Record<string, string>> = {}) {
  const agent = new HostedAgent(factory)
  const result = agent.send('run', { code, ...tags })
  expect(agent.send('well').status).toBe('ok')
  expect(agent.replayed()).toBe(agent.root)
  return { agent, result, error: result.error && `${result.error.code}: ${result.error.message}` }
}

const TO = `to: '${SENDER}'`

describe('what an author did not mean fails alone, with what is wrong and where', () => {
  it.each([
    [
      'tags that are too long',
      `ctx.send({ ${TO}, tags: { a: '€'.repeat(1400) } })`,
      'outbox-limit: a message has 128 tags',
    ],
    [
      'too many tags',
      `ctx.send({ ${TO}, tags: Object.fromEntries([...Array(129).keys()].entries()) })`,
      'outbox-limit: a message has 128 tags',
    ],
    [
      'a key of an effect that is a book',
      `return ctx.effect('x', 1, { key: 'k'.repeat(4096) })`,
      'outbox-limit: a message',
    ],
    [
      'tags of a child beside which its policy finds no room',
      `return ctx.spawn(Anything, { module: '${SENDER}', tags: { a: 'x'.repeat(4000) } })`,
      'outbox-limit: a message has 128 tags',
    ],
    [
      'tags of a child that name its scheduler in small letters',
      `return ctx.spawn(Anything, { module: '${SENDER}', tags: { scheduler: 'x' } })`,
      "bad-call: a child has its parent's scheduler",
    ],
    ['an action that is a number', `ctx.send({ ${TO}, action: 5 })`, 'bad-call: an action is a text'],
    ['an effect that is a number', 'return ctx.effect(5, 1)', 'bad-call: the name of an effect and its key are texts'],
    ['an effect whose key is a number', `return ctx.effect('x', 1, { key: 5 })`, 'bad-call: the name of an effect and'],
    ['events without end', `ctx.emit('any', 'x'.repeat(2e6))`, 'event-limit: more than 1000000 bytes of events'],
    [
      'a pattern that is a date',
      `ctx.schedule({ cron: '2020-01-01T00:00', key: 'a' }, 'well')`,
      'bad-schedule: expected a cron',
    ],
    ['a timeout that calls a text', `setTimeout('code', 5)`, 'bad-call: expected a function to call later'],
  ])('%s', (_, code, message) => {
    const { error } = run(code)
    expect(error?.startsWith(message)).toBe(true)
    expect(error).toMatch(/ \(anything\.process\.ts:\d+:\d+\)$/)
  })

  it.each([
    ['itself', 'const a = {}; a.a = a; return a', /^bad-reply: run: its reply is no JSON: circular reference/],
    ['a whole number without bounds', 'return 1n', /^bad-reply: run: its reply is no JSON: BigInt/],
    [
      'what throws when it is read',
      `return { get a() { throw new Error('no a') } }`,
      /^bad-reply: run: .* no JSON: no a/,
    ],
    ['a symbol', `return Symbol('a')`, /^bad-reply: run: its reply is nothing that JSON can tell/],
  ])('a reply that is %s', (_, code, message) => {
    expect(run(code).error).toMatch(message)
  })

  it('an engine that was bent is told as that, and not as memory that is full', () => {
    const agent = new HostedAgent(factory)
    expect(agent.send('run', { code: 'delete globalThis.JSON; return 1' }).status).toBe('ok')
    const { error } = agent.send('run', { code: 'return [1]', Reference: '1' })
    expect(error?.code).toBe('trap')
    expect(error?.message).toMatch(/^the engine cannot go on: leave what is built in.* JSON is not defined/)
  })
})

describe('what an author need not mind', () => {
  const LATEST_MS = 8.64e15
  it.each([
    ['a time before all time', `ctx.schedule({ at: '1960-01-01', key: 'a' }, 'well')`, 'schedule/a', 1000],
    ['a time after all time', `ctx.schedule({ in: 1e300, key: 'a' }, 'well')`, 'schedule/a', LATEST_MS],
    ['a sleep of all time', 'void ctx.sleep(1e300)', 'agent/wake', LATEST_MS],
    ['a timeout without a time', 'setTimeout(() => 1, NaN)', 'agent/wake', 1000],
    ['a timeout that was due', 'setTimeout(() => 1, -5)', 'agent/wake', 1000],
    ['a timeout for ever', 'setTimeout(() => 1, Infinity)', 'agent/wake', LATEST_MS],
    [
      'a schedule that is set again and again',
      `for (let n = 0; n < 2000; n++) ctx.schedule({ in: 1000 + n, key: 'a' }, 'well')`,
      'schedule/a',
      2999,
    ],
  ])('%s', (_, code, key, ms) => {
    const { agent, result } = run(code)
    expect(result.status).toBe('ok')
    expect(agent.timers()).toEqual([{ key, dueMs: ms === LATEST_MS ? ms : agent.nowMs + ms }])
  })

  it('schedules that are taken back and set in one message, as many as there may be', () => {
    const set = (from: number): string =>
      `for (let n = ${from}; n < ${from + 56}; n++) ctx.schedule({ in: '1h', key: 'k' + n }, 'well');`
    const cancel = (from: number): string => `for (let n = ${from}; n < ${from + 56}; n++) ctx.cancel('k' + n);`
    const { agent } = run(set(0))
    expect(agent.send('run', { code: cancel(0) + set(56) + cancel(56) + set(0) + cancel(0) + set(100) }).status).toBe(
      'ok',
    )
    expect(
      agent
        .timers()
        .map(({ key }) => key)
        .sort()[0],
    ).toBe('schedule/k100')
    expect(agent.timers()).toHaveLength(56)
  })

  it('an event without data, which is one that clients can read', () => {
    const { result } = run(`ctx.emit('any', undefined); ctx.emit('any', 1)`)
    expect(outputOf(result)).toEqual({ events: [{ name: 'any' }, { name: 'any', data: 1 }] })
  })

  it('what throws in a microtask, which is in the log', () => {
    const { result } = run(`queueMicrotask(() => { throw new Error('nobody heard') }); return 1`)
    expect(result).toMatchObject({
      status: 'ok',
      log: expect.stringMatching(/^a rejected promise nobody handles: nobody heard/),
    })
  })
})

describe('what others send', () => {
  it('a reference that fits no answer is none', () => {
    const { result } = run('return 1', { Reference: '7'.repeat(3900) })
    expect(result).toMatchObject({ status: 'ok', outbox: [] })
  })

  it('a chain of calls that nobody could have made is not told on', () => {
    const code = `return ctx.request({ ${TO}, action: 'ask' })`
    const { result } = run(code, { Reference: '7', Waiting: 'x'.repeat(3500) })
    expect(result).toMatchObject({ status: 'ok', outbox: [expect.anything()] })
  })
})

it('a reply that is too long for a slot is an error of its message, and those that end beside it have theirs', () => {
  const agent = new AgentDriver(factory)
  agent.run(spawnMessage())
  for (const length of [2e6, 400_000, 400_000, 400_000, 10])
    agent.send('beside', { code: `return ctx.sleep(5000).then(() => 'x'.repeat(${length}))` })
  const ends: unknown[] = []
  for (let ticks = 0; ends.length < 5; ticks++) {
    expect(ticks).toBeLessThan(5)
    const { ending, output } = agent.tick('agent/wake', 5000)
    expect(ending.status === 'ok' && ending.output.length < OUTPUT_SIZE_MAX_BYTES).toBe(true)
    const settled = (output?.['settled'] ?? []) as { error?: { code: string }; reply?: string }[]
    for (const { error, reply } of settled) ends.push(error?.code ?? reply?.length)
  }
  expect(ends).toEqual(['output-limit', 400_000, 400_000, 400_000, 10])
})
