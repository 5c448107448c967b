import { describe, expect, it } from 'vitest'
import { DEPTH_MAX } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import type { Step } from './agent-driver.ts'
import { idOf, loadsCaller, PEER, referenceOf, reply, sentBy, start } from './caller.ts'

loadsCaller()

const OTHER = fakeId(78)

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
