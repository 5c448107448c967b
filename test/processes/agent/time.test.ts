import { beforeAll, describe, expect, it } from 'vitest'
import { runScript } from '../../../processes/index.ts'
import type { GuestFactory } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'

const HOUR_MS = 3_600_000

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('caller')
}, 180_000)

function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

describe('a schedule', () => {
  it('comes once, from the process itself, with its input', () => {
    const agent = start()
    const set = agent.send('later', { kind: 'in' })
    expect([...set.context.timers]).toEqual([['schedule/later', { dueMs: agent.nowMs + HOUR_MS, everyMs: undefined }]])
    expect(agent.tick('schedule/later', HOUR_MS).output).toEqual({})
    expect(agent.query('log')).toEqual(['in of self'])
    expect(agent.tick('schedule/later', HOUR_MS).output).toEqual({})
    expect(agent.query('log')).toEqual(['in of self'])
  })

  it('replaces the one of the same key, whatever its kind', () => {
    const agent = start()
    agent.send('later', { kind: 'in' })
    const set = agent.send('later', { kind: 'every' })
    expect([...set.context.timers]).toEqual([['schedule/later', { dueMs: agent.nowMs + 60_000, everyMs: 60_000 }]])
    for (let n = 0; n < 3; n++) agent.tick('schedule/later', 60_000)
    expect(agent.query('log')).toEqual(['every of self', 'every of self', 'every of self'])
    expect(agent.query('@export')).toMatchObject({ schedules: [{ key: 'later', everyMs: 60_000 }] })
  })

  it('by cron is set anew each time, in UTC, even if what it does fails', () => {
    const agent = start()
    const set = agent.send('later', { kind: 'cron' })
    const due = set.context.timers.get('schedule/later')?.dueMs ?? 0
    expect(new Date(due).toISOString()).toMatch(/T06:30:00\.000Z$/)
    const failed = agent.tick('schedule/later', due - agent.nowMs)
    expect(failed.ending.status).toBe('ok')
    expect(failed.output).toMatchObject({
      settled: [
        {
          error: {
            code: 'threw',
            message: expect.stringMatching(/^a tick that fails \(caller\.process\.ts:\d+:\d+\)$/),
          },
        },
      ],
    })
    expect(failed.context.timers.get('schedule/later')?.dueMs).toBe(due + 24 * HOUR_MS)
    expect(agent.query('log')).toEqual([])
  })

  it('by cron comes on its last date too, and is over then', () => {
    const agent = start()
    const due = agent.send('later', { kind: 'lastCron' }).context.timers.get('schedule/later')?.dueMs ?? 0
    expect(new Date(due).toISOString()).toBe('2023-11-15T06:30:00.000Z')
    const last = agent.tick('schedule/later', due - agent.nowMs)
    expect([last.output, [...last.context.timers]]).toEqual([{}, []])
    expect(agent.query('log')).toEqual(['last of self'])
    expect(agent.query('@export')).toMatchObject({ schedules: [] })
  })

  it('is taken back by its key', () => {
    const agent = start()
    agent.send('later', { kind: 'every' })
    agent.send('later', { kind: 'cancel' })
    expect(agent.query('@export')).toMatchObject({ schedules: [] })
    expect(agent.tick('schedule/later', 60_000).output).toEqual({})
    expect(agent.query('log')).toEqual([])
  })

  it('without a key is one of its own', () => {
    const agent = start()
    const timers = [1, 2].flatMap(() => [...agent.send('later', { kind: 'nameless' }).context.timers.keys()])
    expect(new Set(timers).size).toBe(2)
    for (const timer of timers) agent.tick(timer, 2000)
    expect(agent.query('log')).toEqual(['tick of self', 'tick of self'])
  })

  it('of a message that is for the process itself cannot be sent by others', () => {
    expect(start().send('tick', {}).ending).toMatchObject({
      status: 'error',
      error: { code: 'not-allowed' },
    })
  })
})

describe('time in an agent', () => {
  it('is that of the slot, and chance comes from the host', () => {
    const [one, other] = [start(), start()]
    const first = one.send('random')
    const { numbers, uuid, time } = Object(Reflect.get(first.output ?? {}, 'reply')) as {
      numbers: number[]
      uuid: string
      time: number
    }
    expect(numbers).toHaveLength(5)
    expect(new Set(numbers).size).toBeGreaterThan(2)
    expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(time).toBe(0)
    expect(other.send('random').output).toEqual(first.output)
  })

  it('wakes what setTimeout asked for, unless it was taken back', () => {
    const agent = start()
    const set = agent.send('timeouts')
    expect(set.context.timers.get('agent/wake')?.dueMs).toBe(agent.nowMs + 2000)
    agent.tick('agent/wake', 2000)
    expect(agent.query('log')).toEqual([])
    agent.tick('agent/wake', 1000)
    expect(agent.query('log')).toEqual(['timeout'])
  })

  it('lets a message that sleeps go on, and undoes what it did since if it throws then', async () => {
    const agent = await AgentDriver.open('counter', { start: 1 })
    expect(agent.send('slowly', { by: 2 }).output).toEqual({ pending: true })
    const id = fakeId(10_001)
    expect(agent.tick('agent/wake', 10_000).output).toEqual({
      settled: [{ message: id, reply: 5 }],
    })
    agent.send('failLater')
    const failed = agent.tick('agent/wake', 10_000)
    expect(failed.output).toMatchObject({ settled: [{ error: { code: 'refused' } }] })
    expect(agent.query('total')).toBe(6)
  })
})

describe('what a program cannot have', () => {
  it.each([
    ['fetch', "'fetch' is not available in a process. Use ctx.effect('http.fetch', …)"],
    ['WebSocket', "'WebSocket' is not available in a process. Use ctx.effect('http.fetch', …)"],
    ['process', "'process' is not available in a process. Give settings as args when it is spawned"],
    ['Buffer', "'Buffer' is not available in a process. Use Uint8Array, TextEncoder and TextDecoder"],
    [
      'Intl',
      "'Intl' is not available in a process. Format texts in the program that shows them; toLocaleString and localeCompare know one language",
    ],
    [
      'require',
      "'require' and 'import()' are not available in a process. Use import: the bundler takes in what is imported",
    ],
  ])('%s is refused with what to use instead', (name, text) => {
    const { ending } = start().send('use', { name })
    expect(ending).toMatchObject({ status: 'error', error: { code: 'unavailable' } })
    if (ending.status === 'error') {
      expect(ending.error.message).toMatch(/ \((?:caller\.process\.ts|atoll:entry)?[^)]*:\d+:\d+\)$/)
      expect(ending.error.message.startsWith(text)).toBe(true)
    }
  })

  it('texts for a language are those of the one that is there', () => {
    const shown: readonly (readonly [code: string, text: string])[] = [
      ["(1234.5).toLocaleString('de-DE', { minimumFractionDigits: 2 })", '1234.5'],
      ["123n.toLocaleString('de-DE')", '123'],
      ["new Date(0).toLocaleString('de-DE', { timeZone: 'Europe/Berlin' })", '01/01/1970, 12:00:00 AM'],
      ["new Date(0).toLocaleDateString('en-GB', { month: 'long' })", '01/01/1970'],
      ['new Date(0).toLocaleTimeString([], { hour12: false })', '12:00:00 AM'],
      ["[1, 2].toLocaleString('de-DE')", '1,2'],
      ["['b', 'a'].sort((x, y) => x.localeCompare(y, 'de', { numeric: true })).join()", 'a,b'],
      ["'I'.toLocaleLowerCase('tr')", 'i'],
      ['typeof Intl', 'undefined'],
    ]
    for (const [code, text] of shown) expect(runScript(code)).toBe(text)
  })

  it('an effect asks the messenger unit, and takes its answer from no other', () => {
    const agent = start()
    const asked = agent.send('outside', { url: 'http://example.org' })
    const tags = new Map(asked.context.sent[0]?.tags.map(({ name, value }) => [name, value]))
    expect(tags.get('Action')).toBe('Effect')
    expect(tags.get('Effect')).toBe('http.fetch')
    expect(tags.get('Effect-Key')).toBe('page')
    const forged = agent.send(
      'Reply',
      { status: 200 },
      {
        tags: [
          { name: 'Action', value: 'Reply' },
          { name: 'X-Reference', value: tags.get('Reference') ?? '' },
        ],
      },
    )
    expect(forged.output).toEqual({})
  })

  it('a promise that nobody listens to is told in the log, with its place', () => {
    const { ending, context } = start().send('forget')
    expect(ending.status).toBe('ok')
    expect(context.lines[0]).toBe('and goes on {"well":true}')
    expect(context.lines[1]).toMatch(
      /^a rejected promise nobody handles: nobody listens\n.*caller\.process\.ts:\d+:\d+/,
    )
  })
})

describe('the bounds of an agent', () => {
  it.each([
    ['recurse', 'stack-overflow', /^calls nested too deep: use a loop .* \(counter\.process\.ts:32:\d+\)$/],
    ['fill', 'memory-limit', /^the agent used all of its memory: keep less in ctx\.state/],
    ['fillLong', 'memory-limit', /^the agent used all of its memory: .* \(counter\.process\.ts:41:\d+\)$/],
    ['loop', 'out-of-gas', /^the gas of its message is used up: do less in one.* \(counter\.process\.ts:29:\d+\)$/],
    ['spin', 'out-of-gas', /^the gas of its message is used up: do less in one.* \(counter\.process\.ts:43:5\)$/],
  ])(
    '%s ends in %s, says where and what to do, and changes nothing',
    { timeout: 180_000 },
    async (action, code, message) => {
      const [agent, witness] = [await AgentDriver.open('counter'), await AgentDriver.open('counter')]
      const { ending } = agent.send(action)
      expect(ending).toMatchObject({ status: 'error', error: { code, message: expect.stringMatching(message) } })
      witness.slot += 1
      witness.nowMs += 1
      const [one, other] = [agent.send('add', { by: 1 }), witness.send('add', { by: 1 })]
      expect(one.output).toEqual({ reply: 1, events: [{ name: 'changed', data: { total: 1 } }] })
      expect(one.ending).toEqual(other.ending)
      expect(agent.guest.pages).toBe(witness.guest.pages)
    },
  )

  it('a message that waits for ever holds its agent only for what is exclusive, and queries go on', () => {
    const agent = start()
    expect(agent.send('drop').output).toEqual({ pending: true })
    expect(agent.send('note', { text: 'a' }).output).toEqual({ pending: true })
    expect(agent.query('log')).toEqual([])
  })
})
