import { beforeAll, describe, expect, it } from 'vitest'
import {
  DEPTH_MAX,
  type GuestFactory,
  type GuestMessage,
  QUEUE_DEPTH_MAX,
  QUEUE_FUEL_MIN,
} from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage, type Step } from './agent-driver.ts'

const PEER = fakeId(77)
const OTHER = fakeId(78)

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('caller')
}, 180_000)

/** A process of the program, in slot 1. */
function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

const sentBy = ({ context }: Step) =>
  context.sent.map(({ to, tags, data }) => ({
    to,
    ...Object.fromEntries(tags.map(({ name, value }) => [name, value])),
    data: data.length === 0 ? undefined : JSON.parse(Buffer.from(data).toString('utf8')),
  }))

const referenceOf = (step: Step): string => String(Reflect.get(sentBy(step)[0] ?? {}, 'Reference'))

const reply = (driver: AgentDriver, reference: string, value: unknown, from = PEER): Step =>
  driver.push(from, ['Action', 'Reply', 'X-Reference', reference], JSON.stringify(value))

const idOf = (slot: number): string => fakeId(10_000 + slot)

describe('a call of an agent', () => {
  it('sends the request, waits, and goes on with the reply in a later slot', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    expect(asked.output).toEqual({ pending: true })
    expect(sentBy(asked)).toEqual([
      {
        to: PEER,
        Action: 'add',
        'Content-Type': 'application/json',
        Reference: expect.stringMatching(/^\d+$/),
        Waiting: `${agent.process.id}:${idOf(1)}`,
        Exclusive: 'true',
        data: { by: 2 },
      },
    ])
    expect(agent.query('log')).toEqual(['before'])
    const settled = reply(agent, referenceOf(asked), 12)
    expect(settled.output).toEqual({ settled: [{ message: idOf(1), reply: 12 }] })
    expect(agent.query('log')).toEqual(['before', 'after 12'])
  })

  it('is not made where its reply would be dropped for its depth, and says how to go on', () => {
    const agent = start()
    const ask = (depth: number): Step =>
      agent.push(PEER, ['Action', 'ask', 'Content-Type', 'application/json'], JSON.stringify({ peer: OTHER }), {
        depth,
      })
    expect(ask(DEPTH_MAX - 1).ending).toMatchObject({
      status: 'error',
      error: { code: 'too-deep', message: expect.stringContaining('ctx.sleep') },
    })
    expect(sentBy(ask(DEPTH_MAX - 2))).toMatchObject([{ to: OTHER, Action: 'add' }])
  })

  it('takes a reply only from whom it asked, and only once', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    expect(reply(agent, referenceOf(asked), 1, OTHER).output).toEqual({})
    expect(agent.query('log')).toEqual(['before'])
    expect(reply(agent, referenceOf(asked), 2).output).toEqual({
      settled: [{ message: idOf(1), reply: 2 }],
    })
    expect(reply(agent, referenceOf(asked), 3).output).toEqual({})
    expect(agent.query('log')).toEqual(['before', 'after 2'])
  })

  it('may be one of several that are awaited together', () => {
    const agent = start()
    const asked = agent.send('askTwice', { peer: PEER })
    const [one, two] = sentBy(asked).map(sent => String(Reflect.get(sent, 'Reference')))
    expect(one).not.toBe(two)
    expect(reply(agent, two ?? '', 20).output).toEqual({})
    expect(reply(agent, one ?? '', 3).output).toEqual({
      settled: [{ message: idOf(1), reply: 23 }],
    })
  })

  it('fails with the code of an error reply, and the waiting message with it, which is undone since its await', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    const failed = agent.push(
      PEER,
      ['Action', 'Error', 'X-Reference', referenceOf(asked), 'Error', 'not-allowed'],
      JSON.stringify({ code: 'not-allowed', message: 'go away' }),
    )
    expect(failed.ending.status).toBe('ok')
    expect(failed.output).toEqual({
      settled: [
        {
          message: idOf(1),
          error: { code: 'not-allowed', message: expect.stringContaining('go away') },
        },
      ],
    })
    expect(agent.query('log')).toEqual(['before'])
  })

  it('checks the reply against the contract of the other', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    expect(reply(agent, referenceOf(asked), 'twelve').output).toMatchObject({
      settled: [
        {
          error: {
            code: 'bad-reply',
            message: expect.stringMatching(/counter\.add.* \(caller\.process\.ts:19:\d+\)$/),
          },
        },
      ],
    })
  })

  it('tells where in its author’s source it awaited what came to nothing', () => {
    const failing = (action: string, input: object) => {
      const agent = start()
      const asked = agent.send(action, { peer: PEER, ...input })
      const tags = ['Action', 'Error', 'X-Reference', referenceOf(asked), 'Error', 'threw']
      return agent.push(PEER, tags, JSON.stringify({ code: 'threw', message: 'no 2 (counter.process.ts:9:13)' })).output
    }
    const behind = (line: number) => ({
      settled: [
        {
          error: {
            code: 'threw',
            message: expect.stringMatching(
              new RegExp(`failed: no 2 \\(counter\\.process\\.ts:9:13\\) \\(caller\\.process\\.ts:${line}:\\d+\\)$`),
            ),
          },
        },
      ],
    })
    expect(failing('ask', {})).toMatchObject(behind(19))
    expect(failing('askTwice', {})).toMatchObject(behind(25))
  })

  it('ends at its time limit, is made again as often as it says, and then fails', () => {
    const agent = start()
    const asked = agent.send('askGently', { peer: PEER })
    expect([...asked.context.timers]).toEqual([['agent/wake', { dueMs: agent.nowMs + 5000, everyMs: undefined }]])
    const again = agent.tick('agent/wake', 5000)
    expect(sentBy(again)).toEqual(sentBy(asked))
    expect(again.context.timers.get('agent/wake')?.dueMs).toBe(agent.nowMs + 5000)
    const ended = agent.tick('agent/wake', 5000)
    expect(ended.output).toEqual({
      settled: [
        {
          message: idOf(1),
          reply: expect.stringMatching(/^call-timeout: add of .* gave no reply in 5000 ms$/),
        },
      ],
    })
    expect(ended.context.timers.size).toBe(0)
  })

  it('leaves nothing behind of what came after the await if the message throws there', () => {
    const agent = start()
    const asked = agent.send('failAfter', { peer: PEER })
    const ended = reply(agent, referenceOf(asked), 5)
    expect(ended.ending.status).toBe('ok')
    expect(ended.output).toEqual({
      settled: [
        {
          message: idOf(1),
          error: {
            code: 'threw',
            message: expect.stringMatching(/^not 5 \(caller\.process\.ts:50:\d+\)$/),
          },
        },
      ],
    })
    expect(agent.query('log')).toEqual(['before'])
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 2 })
  })

  it('is answered even if the message never ends after it: half of the gas is left to say so', () => {
    const agent = start()
    const asked = agent.send('loopAfter', { peer: PEER })
    const message = { slot: 9, id: fakeId(9), timestampMs: agent.nowMs }
    const ended = agent.push(PEER, ['Action', 'Reply', 'X-Reference', referenceOf(asked)], '5', message)
    expect(ended.ending.status).toBe('ok')
    expect(ended.output).toMatchObject({
      settled: [
        {
          message: idOf(1),
          error: { code: 'out-of-gas', message: expect.stringMatching(/\(caller\.process\.ts:55:\d+\)$/) },
        },
      ],
    })
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 1 })
  })

  it('can be sent without waiting', () => {
    const told = start().send('tell', { peer: PEER })
    expect(told.output).toEqual({})
    expect(sentBy(told)).toEqual([{ to: PEER, Action: 'add', 'Content-Type': 'application/json', data: { by: 9 } }])
  })

  it('can be one outside of any contract, as AO makes them', () => {
    const agent = start()
    const asked = agent.send('raw', { peer: PEER })
    expect(asked.context.sent[0]?.tags).toContainEqual({ name: 'Action', value: 'Eval' })
    const reference = asked.context.sent[0]?.tags.find(({ name }) => name === 'Reference')?.value ?? ''
    const answer = agent.push(PEER, ['Answer', 'yes', 'X-Reference', reference], '42')
    expect(answer.output).toEqual({
      settled: [{ message: idOf(1), reply: { from: PEER, data: '42', tag: 'yes' } }],
    })
  })

  it('of a wrong input fails where it is made, and is not sent', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: 'nobody' })
    expect(asked.ending).toMatchObject({ status: 'error', error: { code: 'bad-call' } })
  })
})

describe('messages while another one awaits', () => {
  it('wait for it, in order, and run when it has ended', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    expect(agent.send('note', { text: 'one' }).output).toEqual({ pending: true })
    expect(agent.push(OTHER, ['Action', 'note', 'Reference', '8'], '{"text":"two"}').output).toEqual({ pending: true })
    expect(agent.query('log')).toEqual(['before'])
    const ended = reply(agent, referenceOf(asked), 12)
    expect(ended.output).toEqual({
      settled: [
        { message: idOf(1), reply: 12 },
        { message: idOf(2), reply: 3 },
      ],
    })
    expect(sentBy(ended)).toEqual([
      {
        to: OTHER,
        Action: 'Reply',
        'X-Reference': '8',
        'Content-Type': 'application/json',
        data: 4,
      },
    ])
    expect(agent.query('log')).toEqual(['before', 'after 12', 'one', 'two'])
  })

  it.for(['8', '08', '1e3', ' 5', '-0', 'NaN', 'a"b\\c\n],[', '\u{1F600}', ''])(
    'are answered by whatever name they have: %j',
    name => {
      const agent = start()
      const named = agent.push(OTHER, ['Action', 'note', 'X-Reference', '99', 'Reference', name], '{"text":"one"}')
      const plain = agent.push(OTHER, ['Action', 'note', 'Reference', name], '{"text":"one"}')
      for (const answered of [named, plain])
        expect(sentBy(answered)).toMatchObject([{ to: OTHER, 'X-Reference': name }])
      const asked = agent.push(
        OTHER,
        ['Action', 'ask', 'Reference', name, 'Waiting', name],
        JSON.stringify({ peer: PEER }),
      )
      const waiting = `${name},${agent.process.id}:${idOf(3)}`
      expect(sentBy(asked)).toMatchObject([
        { to: PEER, Action: 'add', Waiting: waiting, Exclusive: 'true', data: { by: 2 } },
      ])
      expect(sentBy(reply(agent, referenceOf(asked), 12))).toMatchObject([{ to: OTHER, 'X-Reference': name, data: 12 }])
    },
  )

  it('do not harm each other if one of them throws', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    agent.send('note', { text: 'one' })
    agent.send('noteAndFail', { text: 'bad' })
    agent.send('note', { text: 'two' })
    const ended = reply(agent, referenceOf(asked), 12)
    expect(ended.output).toEqual({
      settled: [
        { message: idOf(1), reply: 12 },
        { message: idOf(2), reply: 3 },
        {
          message: idOf(3),
          error: {
            code: 'threw',
            message: expect.stringMatching(/^no bad \(caller\.process\.ts:44:\d+\)$/),
          },
        },
        { message: idOf(4), reply: 4 },
      ],
    })
    expect(agent.query('log')).toEqual(['before', 'after 12', 'one', 'two'])
  })

  it('run at once if they are reentrant, and queries do', () => {
    const agent = start()
    agent.send('ask', { peer: PEER })
    const free = agent.send('askFree', { peer: PEER, n: 1 })
    expect(free.output).toEqual({ pending: true })
    expect(sentBy(free)).toMatchObject([{ Action: 'total' }])
    expect(Reflect.get(sentBy(free)[0] ?? {}, 'Exclusive')).toBeUndefined()
    expect(reply(agent, referenceOf(free), 10).output).toEqual({
      settled: [{ message: idOf(2), reply: 11 }],
    })
    expect(agent.push(OTHER, ['Action', 'log', 'Reference', '1']).context.sent).toHaveLength(1)
  })

  it('are run sixteen a slot; the rest follow a message of the process to itself', () => {
    const agent = start()
    const asked = agent.send('ask', { peer: PEER })
    for (let n = 0; n < 20; n++) agent.send('note', { text: `${n}` })
    const ended = reply(agent, referenceOf(asked), 1)
    expect(ended.output?.['settled']).toHaveLength(17)
    expect(sentBy(ended)).toEqual([{ to: agent.process.id, Action: '@next', data: undefined }])
    expect(agent.send('note', { text: 'last' }).output).toEqual({ pending: true })
    const rest = agent.push(agent.process.id, ['Action', '@next'])
    expect(rest.output?.['settled']).toHaveLength(5)
    expect((agent.query('log') as string[]).slice(2)).toEqual([...Array.from({ length: 20 }, (_, n) => `${n}`), 'last'])
  })

  it('are told to come later if too many wait', () => {
    const agent = start()
    agent.send('ask', { peer: PEER })
    for (let n = 0; n < 1024; n++) agent.send('note', { text: '' })
    const refused = agent.send('note', { text: 'one too many' })
    expect(refused.ending).toMatchObject({ status: 'error', error: { code: 'busy' } })
  })
})

describe('a circle of agents that wait for each other', () => {
  it('is seen in the chain of calls that a request tells', () => {
    const agent = start()
    agent.send('ask', { peer: PEER })
    const chain = `${agent.process.id}:${idOf(1)},${PEER}:${fakeId(5)}`
    const asked = agent.push(OTHER, ['Action', 'note', 'Reference', '3', 'Waiting', chain], '{"text":"x"}')
    expect(asked.ending.status).toBe('ok')
    const [answer] = sentBy(asked)
    expect(answer).toMatchObject({
      to: OTHER,
      Action: 'Error',
      Error: 'deadlock',
      'X-Reference': '3',
    })
    expect(answer?.data.message).toContain(idOf(1))
    expect(answer?.data.message).toContain(idOf(2))
  })

  it('is seen if two ask each other: the one with the greater id gives way', () => {
    const agent = start()
    const greater = `z${PEER.slice(1)}`
    const lesser = `-${PEER.slice(1)}`
    for (const peer of [greater, lesser]) {
      const fresh = start()
      fresh.send('ask', { peer })
      const asked = fresh.push(
        peer,
        ['Action', 'note', 'Reference', '3', 'Exclusive', 'true', 'Waiting', `${peer}:${fakeId(6)}`],
        '{"text":"x"}',
      )
      if (peer === greater) expect(sentBy(asked)).toMatchObject([{ Action: 'Error', Error: 'deadlock' }])
      else expect(asked.output).toEqual({ pending: true })
    }
    expect(greater > agent.process.id && lesser < agent.process.id).toBe(true)
  })

  it('is seen if the request came first and waits in the queue', () => {
    const agent = start()
    const greater = `z${PEER.slice(1)}`
    const first = agent.send('ask', { peer: OTHER })
    agent.send('ask', { peer: greater })
    agent.push(greater, ['Action', 'note', 'Reference', '3', 'Exclusive', 'true'], '{"text":"x"}')
    const next = reply(agent, referenceOf(first), 1, OTHER)
    expect(sentBy(next)).toMatchObject([
      { to: greater, Action: 'add' },
      { to: greater, Action: 'Error', Error: 'deadlock', 'X-Reference': '3' },
    ])
  })
})

describe('requests that wait', () => {
  it('begin with fuel and depth of their own where those before them used up theirs', () => {
    const ends: Partial<GuestMessage>[] = [{ fuel: QUEUE_FUEL_MIN - 1n }, { depth: QUEUE_DEPTH_MAX + 1 }]
    for (const end of ends) {
      const agent = start()
      const first = agent.send('ask', { peer: PEER })
      expect(sentBy(agent.send('ask', { peer: OTHER }))).toEqual([])
      const settled = agent.push(PEER, ['Action', 'Reply', 'X-Reference', referenceOf(first)], '1', end)
      expect(settled.output).toMatchObject({ settled: [{ reply: 1 }] })
      expect(sentBy(settled)).toEqual([])
      expect(agent.tick('agent/wake', 1000).context.sent.map(({ to }) => to)).toEqual([OTHER])
    }
  })

  it('give what they send no more than they brought, and it lies below them', () => {
    const agent = start()
    const first = agent.send('ask', { peer: PEER })
    const brought = { fuel: 30_000_000n, depth: 700 }
    agent.push(OTHER, ['Action', 'ask', 'Content-Type', 'application/json'], JSON.stringify({ peer: OTHER }), brought)
    const settled = agent.push(PEER, ['Action', 'Reply', 'X-Reference', referenceOf(first)], '1', { fuel: 1n })
    expect(sentBy(settled)).toEqual([])
    const { sent } = agent.tick('agent/wake', 1000).context
    expect(sent).toMatchObject([{ to: OTHER, depthMin: 701, fuelMax: 30_000_000 }])
  })

  it('are told that the chain of messages ends, if they came at its end', () => {
    const agent = start()
    const first = agent.send('ask', { peer: PEER })
    const pairs = ['Action', 'ask', 'Content-Type', 'application/json', 'Reference', '7']
    agent.push(OTHER, pairs, JSON.stringify({ peer: OTHER }), { fuel: 30_000_000n, depth: DEPTH_MAX - 1 })
    agent.push(PEER, ['Action', 'Reply', 'X-Reference', referenceOf(first)], '1', { fuel: 1n })
    const { sent } = agent.tick('agent/wake', 1000).context
    expect(sent).toMatchObject([{ to: OTHER, depthMin: DEPTH_MAX, fuelMax: 30_000_000 }])
    expect(sent[0]?.tags).toContainEqual({ name: 'Error', value: 'too-deep' })
  })

  it('begin at once where there is enough', () => {
    const agent = start()
    const first = agent.send('ask', { peer: PEER })
    agent.send('ask', { peer: OTHER })
    const settled = agent.push(PEER, ['Action', 'Reply', 'X-Reference', referenceOf(first)], '1', {
      fuel: QUEUE_FUEL_MIN,
      depth: QUEUE_DEPTH_MAX,
    })
    expect(sentBy(settled)).toMatchObject([{ to: OTHER, Action: 'add' }])
  })
})

it('says what it knows if it is asked for nothing, or for what there is not', () => {
  const agent = start()
  const errorOf = (action: string) => {
    const { ending } = agent.send(action)
    return ending.status === 'error' ? ending.error : undefined
  }
  const known = expect.stringMatching(/^a message without an Action; known: ask, .*log/)
  expect(errorOf('')).toEqual({ code: 'unknown-action', message: known })
  expect(errorOf('nothing')?.message).toMatch(/^caller has no message nothing; known: ask, /)
  expect(() => agent.query('nothing')).toThrow(/^unknown-action: caller has no query nothing; known: log, @state/)
})

describe('a request of a process', () => {
  it('is answered by a message; if it fails too, and the slot is well', () => {
    const agent = start()
    const good = agent.push(PEER, ['Action', 'note', 'Reference', '4'], '{"text":"a"}')
    expect(good.output).toEqual({})
    expect(sentBy(good)).toEqual([
      {
        to: PEER,
        Action: 'Reply',
        'X-Reference': '4',
        'Content-Type': 'application/json',
        data: 1,
      },
    ])
    const bad = agent.push(PEER, ['Action', 'noteAndFail', 'Reference', '5'], '{"text":"b"}')
    expect(bad.ending.status).toBe('ok')
    expect(sentBy(bad)).toMatchObject([
      { to: PEER, Action: 'Error', 'X-Reference': '5', Error: 'threw', data: { code: 'threw' } },
    ])
    expect(agent.query('log')).toEqual(['a'])
  })

  it('says what it wants by tags, if it has no data', () => {
    const agent = start()
    const asked = agent.push(PEER, ['Action', 'note', 'Reference', '4', 'text', 'by tag'])
    expect(sentBy(asked)).toMatchObject([{ Action: 'Reply', data: 1 }])
    expect(agent.query('log')).toEqual(['by tag'])
  })
})

describe('a child', () => {
  it('has an id at once, is sent its args, and is called', () => {
    const agent = start()
    const asked = agent.send('spawnChild', { module: fakeId(50) })
    expect(asked.context.spawned).toMatchObject([{ module: fakeId(50) }])
    expect(Buffer.from(asked.context.spawned[0]?.data ?? []).toString()).toBe('{"start":7}')
    const [child] = agent.query('log') as string[]
    expect(sentBy(asked)).toMatchObject([{ to: child, Action: 'add' }])
  })
})
