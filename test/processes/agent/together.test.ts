import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  CHUNK_SIZE_BYTES,
  findTag,
  type GuestFactory,
  type GuestSnapshot,
  type ProcessDescription,
  toUtf8,
} from '../../../protocol/index.ts'
import { fakeId, guestMessage, tags } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage, type Step } from './agent-driver.ts'
import { idOf, referenceOf, reply, sentBy } from './caller.ts'

const PEER = fakeId(77)
const ASKER = fakeId(78)
const WAKE = 'agent/wake'

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('together')
}, 180_000)

function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

/** A message of a process that waits for the answer, as number `slot`. */
const ask = (agent: AgentDriver, action: string, input: unknown): Step =>
  agent.push(ASKER, ['Action', action, 'Reference', '5', 'Content-Type', 'application/json'], JSON.stringify(input))

const failed = (slot: number, code: string, message: unknown = expect.any(String)) => ({
  message: idOf(slot),
  error: { code, message },
})

const answersTo = (step: Step) =>
  step.context.sent
    .filter(({ to }) => to === ASKER)
    .map(({ tags: sent }) => [findTag(sent, 'Action'), findTag(sent, 'Error')])

describe('two messages that wait for the same reply', () => {
  it.each(['follow', 'followAlone'])('%s: one that fails is told alone, and what it did is undone', action => {
    const agent = start()
    const reference = referenceOf(agent.send('lead', { peer: PEER }))
    expect(agent.send(action, { how: 'throw' }).output).toEqual({ pending: true })
    const { ending, output } = reply(agent, reference, 7)
    expect(ending.status).toBe('ok')
    expect(output).toEqual({
      settled: [
        failed(2, 'threw', expect.stringMatching(/^not together \(together\.process\.ts:\d+:\d+\)$/)),
        { message: idOf(1), reply: 7 },
      ],
    })
    expect(agent.query('log')).toEqual(['lead 7'])
    expect(agent.send('followAlone', { how: 'well' }).output).toEqual({ reply: 'well' })
  })

  it('a process that asked is told of its own message, not of the other', () => {
    const agent = start()
    const reference = referenceOf(agent.send('lead', { peer: PEER }))
    ask(agent, 'follow', { how: 'throw' })
    expect(answersTo(reply(agent, reference, 7))).toEqual([['Error', 'threw']])
    const other = start()
    const reference2 = referenceOf(ask(other, 'lead', { peer: PEER }))
    other.send('follow', { how: 'throw' })
    expect(answersTo(reply(other, reference2, 7))).toEqual([['Reply', undefined]])
  })
})

describe('limits that one of several messages passes', () => {
  const undone = (slot: number, code: string) =>
    failed(
      slot,
      'undone',
      expect.stringMatching(
        new RegExp(
          `^what this brought is undone: [^:]* failed with ${code}: .*\\(together\\.process\\.ts:\\d+:\\d+\\)`,
        ),
      ),
    )

  it('gas: all who went on are told where it went, for any of them may have used it', () => {
    const agent = start()
    const reference = referenceOf(agent.send('lead', { peer: PEER }))
    agent.send('followAlone', { how: 'loop' })
    const { ending, output } = reply(agent, reference, 7)
    expect(ending.status).toBe('ok')
    expect(output).toEqual({ settled: [undone(2, 'out-of-gas'), undone(1, 'out-of-gas')] })
    expect(agent.query('log')).toEqual([])
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 1 })
  })

  it('memory: it is told so, and whoever called is told that its reply came to nothing', () => {
    const agent = start()
    const reference = referenceOf(agent.send('lead', { peer: PEER }))
    agent.send('followAlone', { how: 'fill' })
    const { ending, output } = reply(agent, reference, 7)
    expect(ending.status).toBe('ok')
    expect(output).toEqual({ settled: [failed(2, 'memory-limit'), undone(1, 'memory-limit')] })
    expect(agent.query('log')).toEqual([])
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 1 })
  })

  it('calls that nest too deep are an error like others', () => {
    const agent = start()
    const reference = referenceOf(agent.send('lead', { peer: PEER }))
    agent.send('followAlone', { how: 'deep' })
    expect(reply(agent, reference, 7).output).toEqual({
      settled: [failed(2, 'stack-overflow'), { message: idOf(1), reply: 7 }],
    })
    expect(agent.query('log')).toEqual(['lead 7'])
  })
})

describe('a message that fails with the reply to its own call', () => {
  it('does not leave others waiting for that reply: they are told that it is undone', () => {
    const agent = start()
    const reference = referenceOf(agent.send('leadAndFail', { peer: PEER }))
    agent.send('follow', { how: 'throw' })
    agent.send('followAlone', { how: 'well' })
    const because = expect.stringContaining(
      `leadAndFail (message ${idOf(1)}) that went on with it failed with threw: leads nowhere`,
    )
    expect(reply(agent, reference, 7).output).toEqual({
      settled: [
        failed(2, 'undone', because),
        failed(3, 'undone', because),
        failed(1, 'threw', expect.stringMatching(/^leads nowhere \(together/)),
      ],
    })
    expect(agent.query('log')).toEqual([])
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 1 })
  })

  it('has ended: what is left of its code does nothing', () => {
    const agent = start()
    const asked = agent.send('twoWays', { peer: PEER })
    const [one, two] = sentBy(asked).map(sent => String(Reflect.get(sent, 'Reference')))
    agent.push(PEER, ['Action', 'Error', 'X-Reference', one ?? '', 'Error', 'full'], '{"message":"no"}')
    const late = reply(agent, two ?? '', 5)
    expect(late.output).toEqual({})
    expect(late.context.sent).toEqual([])
    expect(agent.query('log')).toEqual([])
  })
})

describe('messages that another lets go on', () => {
  it('fail alone: it is answered, and they are not in the way of the next', () => {
    const agent = start()
    agent.send('enter', { how: 'throw' })
    agent.send('enter', { how: 'well' })
    agent.send('enter', { how: 'throw' })
    expect(agent.send('open').output).toEqual({
      reply: 3,
      settled: [failed(1, 'threw'), failed(3, 'threw'), { message: idOf(2), reply: 'well' }],
    })
    expect(agent.query('log')).toEqual(['open', 'in well'])
    expect(agent.send('open').output).toEqual({ reply: 0 })
  })

  it('do not keep a timer from its work', () => {
    const agent = start()
    agent.send('later', { how: 'well' })
    agent.send('enter', { how: 'throw' })
    expect(agent.tick(WAKE, 2000).output).toEqual({ settled: [failed(2, 'threw')] })
    expect(agent.query('log')).toEqual(['timer well'])
  })

  it('go on waiting where the other fails, and it alone is told', () => {
    const agent = start()
    agent.send('enter', { how: 'well' })
    expect(agent.send('openAndFail').ending).toMatchObject({ status: 'error', error: { code: 'threw' } })
    expect(agent.query('log')).toEqual([])
    expect(agent.send('open').output).toEqual({ reply: 1, settled: [{ message: idOf(1), reply: 'well' }] })
  })
})

describe('very many that fail together', () => {
  const MANY = 150
  const all = (code: string) => Array.from({ length: MANY }, (_, at) => failed(1 + at, code))
  const bySlot = (one: { message: string }, other: { message: string }): number =>
    one.message < other.message ? -1 : Number(one.message > other.message)
  const settledOf = ({ output }: Step) =>
    (output?.['settled'] as { message: string; error: object }[] | undefined)?.toSorted(bySlot)

  it.each([
    ['throw', 'threw'],
    ['never', 'no-end'],
  ])('%s: all are told, and who let them go on has its answer', (how, code) => {
    const agent = start()
    for (let n = 0; n < MANY; n++) agent.send('enter', { how })
    const opened = agent.send('open')
    expect(opened.output).toMatchObject({ reply: MANY })
    expect(settledOf(opened)).toEqual(all(code).toSorted(bySlot))
    expect(agent.query('log')).toEqual(['open'])
  })

  it('do not keep a timer from its work', () => {
    const agent = start()
    for (let n = 0; n < MANY; n++) agent.send('enter', { how: 'throw' })
    agent.send('later', { how: 'well' })
    expect(settledOf(agent.tick(WAKE, 2000))).toEqual(all('threw').toSorted(bySlot))
    expect(agent.query('log')).toEqual(['timer well'])
  })
})

it('a message that fails and would ask for ever after is told its own error', () => {
  const agent = start()
  const reference = referenceOf(agent.send('insist', { peer: PEER }))
  const step = agent.run(
    guestMessage({
      slot: agent.slot++,
      from: PEER,
      fromProcess: PEER as ProcessDescription['id'],
      timestampMs: agent.nowMs,
      tags: tags('Action', 'Reply', 'X-Reference', reference),
      data: toUtf8('7'),
    }),
    400_000_000n,
  )
  expect(step.output).toEqual({ settled: [failed(1, 'threw', expect.stringMatching(/^7 at last \(together/))] })
  expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 1 })
})

it('a message that waits for another is open for an upgrade, as those are that wait for a reply', () => {
  const agent = start()
  ask(agent, 'enter', { how: 'well' })
  agent.send('lead', { peer: PEER })
  expect(agent.query('@export')).toMatchObject({
    pending: [{ message: idOf(1), from: ASKER, reference: '5' }, { message: idOf(2) }],
  })
})

it('a timer that throws ends nobody, and what it did is undone', () => {
  const agent = start()
  agent.send('enter', { how: 'well' })
  agent.send('later', { how: 'throw' })
  const { output, context } = agent.tick(WAKE, 2000)
  expect(output).toEqual({})
  expect(context.lines).toEqual([
    expect.stringMatching(/^what no request waits for failed: threw: not together \(together/),
  ])
  expect(agent.query('log')).toEqual([])
  expect(agent.send('open').output).toMatchObject({ settled: [{ message: idOf(1), reply: 'well' }] })
})

it('timers without end are stopped one a slot, and those behind them have their turn', () => {
  const agent = start()
  for (const how of ['loop', 'loop', 'loop', 'well']) agent.send('later', { how })
  const lines: string[] = []
  for (let ticks = 0; ticks < 4; ticks++) {
    const { ending, context } = agent.tick(WAKE, 2000)
    expect(ending.status).toBe('ok')
    lines.push(...context.lines)
    if (ticks < 3) expect(context.timers.get(WAKE)?.dueMs).toBeLessThanOrEqual(agent.nowMs)
  }
  expect(lines).toHaveLength(3)
  for (const line of lines)
    expect(line).toMatch(/^what no request waits for failed: out-of-gas: .*\(together\.process\.ts:\d+:\d+\)$/)
  expect(agent.query('log')).toEqual(['timer well'])
})

describe('a message that waits for what cannot come', () => {
  it.each(['leaveBehind', 'leaveBehindAlone'])('%s: fails, though a timer repeats and others are reentrant', action => {
    const agent = start()
    agent.send('beat')
    const ended = ask(agent, action, {})
    expect(ended.output).toEqual({ settled: [failed(2, 'no-end')] })
    expect(answersTo(ended)).toEqual([['Error', 'no-end']])
    agent.tick(WAKE, 1000)
    expect(agent.query('log')).toEqual(['beat'])
    expect(agent.send('note', { text: 'next' }).output).toEqual({ reply: 2 })
  })

  it('fails alone where another let it go on: that one has its answer, and its work stands', () => {
    const agent = start()
    agent.send('enter', { how: 'never' })
    expect(agent.send('open').output).toEqual({ reply: 1, settled: [failed(1, 'no-end')] })
    expect(agent.query('log')).toEqual(['open'])
  })

  it('fails alone where a timer let it go on', () => {
    const agent = start()
    agent.send('later', { how: 'well' })
    agent.send('enter', { how: 'never' })
    expect(agent.tick(WAKE, 2000).output).toEqual({ settled: [failed(2, 'no-end')] })
    expect(agent.query('log')).toEqual(['timer well'])
  })
})

type Move = readonly [kind: string, input?: object]

const hows = fc.constantFrom('well', 'throw', 'never', 'deep')
const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    fc.constantFrom<Move>(['lead', { peer: PEER }], ['leadAndFail', { peer: PEER }], ['twoWays', { peer: PEER }]),
    fc
      .tuple(fc.constantFrom('follow', 'followAlone', 'enter', 'later'), hows)
      .map(([kind, how]): Move => [kind, { how }]),
    fc.constantFrom<Move>(['open'], ['openAndFail'], ['beat'], ['note', { text: 'a' }], ['tick'], ['reply'], ['error']),
  ),
  { maxLength: 30 },
)

/** Another guest with the same state, as after a restart. */
function restarted(agent: AgentDriver): AgentDriver {
  const { guest } = agent
  const chunks = Array.from({ length: (guest.pages * 65_536) / CHUNK_SIZE_BYTES }, (_, index) => index)
  const snapshot: GuestSnapshot = {
    pages: guest.pages,
    engine: guest.engine(),
    chunks: new Map(chunks.map(index => [index, guest.chunk(index).slice()])),
  }
  const next = new AgentDriver(factory, 2, snapshot)
  next.slot = agent.slot
  next.nowMs = agent.nowMs
  guest.close()
  return next
}

/** Makes moves, with a restart after each if `isRestarted`, then all that is left to come; gives what was answered, and every byte of the end. */
function play(all: readonly Move[], isRestarted: boolean) {
  let agent = start()
  const asked: string[] = []
  const calls: string[] = []
  const answers = new Map<string, string[]>()
  const make = ([kind, input = {}]: Move): void => {
    const isAnswer = kind === 'reply' || kind === 'error'
    const call = isAnswer ? (calls.shift() ?? '0') : ''
    if (!isAnswer && kind !== 'tick') asked.push(`${asked.length}`)
    const step = isAnswer
      ? agent.push(PEER, ['Action', kind === 'reply' ? 'Reply' : 'Error', 'X-Reference', call], '3')
      : kind === 'tick'
        ? agent.tick(WAKE, 1000)
        : agent.push(ASKER, ['Action', kind, 'Reference', `${asked.length - 1}`], JSON.stringify(input))
    expect(step.ending.status).toBe('ok')
    for (const { to, tags: sent } of step.context.sent) {
      const [reference, answered] = [findTag(sent, 'Reference'), findTag(sent, 'X-Reference')]
      if (to === PEER && reference !== undefined) calls.push(reference)
      if (to === ASKER && answered !== undefined)
        answers.set(answered, [...(answers.get(answered) ?? []), findTag(sent, 'Error') ?? 'ok'])
    }
    if (isRestarted) agent = restarted(agent)
  }
  for (const move of all) make(move)
  while (calls.length > 0) make(['reply'])
  for (let round = 0; round < 3; round++) {
    make(['open'])
    make(['tick'])
  }
  const { guest } = agent
  const memory = Array.from({ length: (guest.pages * 65_536) / CHUNK_SIZE_BYTES }, (_, index) =>
    Buffer.from(guest.chunk(index)).toString('latin1'),
  )
  return { asked, answers, log: agent.query('log'), end: `${guest.pages} ${guest.engine()} ${memory.join('')}` }
}

it('however messages and failures come together, each request is answered once, and restarts and replays change no byte', () => {
  fc.assert(
    fc.property(moves, all => {
      const [once, again, restarts] = [play(all, false), play(all, false), play(all, true)]
      expect([...once.answers.keys()].sort()).toEqual([...once.asked].sort())
      expect([...once.answers.values()].filter(({ length }) => length !== 1)).toEqual([])
      expect([again.log, again.answers]).toEqual([once.log, once.answers])
      expect([restarts.log, restarts.answers]).toEqual([once.log, once.answers])
      expect([again.end === once.end, restarts.end === once.end]).toEqual([true, true])
    }),
    { numRuns: 40 },
  )
}, 240_000)
