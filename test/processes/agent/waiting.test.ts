import { describe, expect, it } from 'vitest'
import { DEPTH_MAX, type GuestMessage, QUEUE_DEPTH_MAX, QUEUE_FUEL_MIN } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { idOf, loadsCaller, PEER, referenceOf, reply, sentBy, start } from './caller.ts'

loadsCaller()

const OTHER = fakeId(78)

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
