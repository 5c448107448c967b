import { afterEach, describe, expect, test, vi } from 'vitest'
import { Mailbox } from '../../compute-unit/evaluation/mailbox.ts'
import { HostedProcess } from '../../compute-unit/evaluation/hosted-process.ts'
import { PairLane } from '../../messenger-unit/pair-lane.ts'
import { Senders } from '../../scheduler-unit/lanes/senders.ts'
import { createTestNet, type TestNet, withNet } from '../../testing/index.ts'

afterEach(() => vi.restoreAllMocks())

/** Two relays on two nodes; the one sends the other a few notes. */
async function notes(net: TestNet, count: number): Promise<void> {
  const [a, b] = [
    await net.spawn('relay', { node: 'n1', name: 'sender' }),
    await net.spawn('relay', { node: 'n2', name: 'taker' }),
  ]
  const tags = [
    { name: 'Peer', value: b.id },
    { name: 'Count', value: String(count) },
  ]
  await a.send({ action: 'Fan-Out', tags })
  await net.settled()
}

const wrong = { code: 'verification-failed' }

describe('a planted fault is found:', () => {
  test('none, if none is planted', async () => {
    await using net = await createTestNet({ nodes: 2 })
    net.fault.duplicate()
    await notes(net, 5)
    await expect(net.expectConverged()).resolves.toEqual({ processes: 2, slots: 8 })
  })

  test('a push that is lost', async () => {
    await using net = await createTestNet({ nodes: 2 })
    const enqueue = PairLane.prototype.enqueue
    vi.spyOn(PairLane.prototype, 'enqueue').mockImplementation(function (this: PairLane, push) {
      if (push.core.seq !== 4) enqueue.call(this, push)
    })
    await notes(net, 5)
    await expect(net.expectConverged()).rejects.toMatchObject(wrong)
  })

  test('a push that takes effect twice', async () => {
    await using net = await createTestNet({ nodes: 2 })
    vi.spyOn(Senders.prototype, 'expected').mockReturnValue(0)
    vi.spyOn(Mailbox.prototype, 'receive').mockReturnValue(undefined)
    net.fault.duplicate({ to: 'n2' })
    await notes(net, 1)
    await expect(net.expectConverged()).rejects.toMatchObject(wrong)
  })

  test('an evaluation that does not come out the same everywhere', async () => {
    await using net = await createTestNet({ nodes: 2 })
    const evaluate = HostedProcess.prototype.evaluate
    let runs = 0n
    vi.spyOn(HostedProcess.prototype, 'evaluate').mockImplementation(function (this: HostedProcess, ...given) {
      const outcome = evaluate.apply(this, given)
      runs += 1n
      return { ...outcome, gas: outcome.gas + runs }
    })
    await notes(net, 1)
    await expect(net.expectConverged()).rejects.toMatchObject({
      ...wrong,
      details: { differs: 'gas' },
    })
  })
})

test('a test that fails tells its seed, how to run it again, and the message trees', async () => {
  const body = withNet({ seed: 41, nodes: 2 }, async net => {
    await notes(net, 2)
    throw new Error('expected something else')
  })
  const context = { task: { name: 'a title', file: { filepath: 'a.test.ts' } } }
  const error: Error = await body(context).then(
    () => expect.unreachable(),
    (thrown: Error) => thrown,
  )
  expect(error.message).toMatch(/^expected something else\n/)
  const seed = process.env['ATOLL_SEED'] ?? '41'
  expect(error.message).toContain(`again: ATOLL_SEED=${seed} npx vitest run -t "a title" a.test.ts`)
  // What reading the trees takes is no part of what happened, and processes have their names.
  const { 1: events = '' } = /the last events:\n([\s\S]*)$/.exec(error.message) ?? []
  expect(events).toMatch(/n1: sender frame 1, 1 messages\n/)
  expect(events).not.toMatch(/trace|[\w-]{43}/)
  expect(error.message).toMatch(/Fan-Out → .*\n.*├─ Note → .*\n.*└─ Note → /)
})

test.each(['onTestFailed', 'after'])('a test that its runner ends is told of, too: %s', async hook => {
  let ended = async (): Promise<void> => undefined
  const context = { name: 'a title', [hook]: (act: typeof ended) => (ended = act) }
  const { promise: goesOn, resolve: end } = Promise.withResolvers<void>()
  const { promise: sent, resolve: isSent } = Promise.withResolvers<void>()
  const ending = withNet({ seed: 41, nodes: 2 }, async net => {
    await notes(net, 1)
    isSent()
    await goesOn
  })(context)
  await sent
  const lines: unknown[] = []
  using written = vi.spyOn(process.stderr, 'write').mockImplementation(line => lines.push(line) > 0)
  await ended()
  written.mockRestore()
  expect(lines.join()).toMatch(/again: ATOLL_SEED=\d+ node --test.*\nseed.*\nmessage trees:\n[\s\S]*Fan-Out/)
  end()
  await ending
  using later = vi.spyOn(process.stderr, 'write')
  await ended()
  expect(later).not.toHaveBeenCalled()
})

test('a promise that is rejected and that nobody awaits fails the test whose network it was in', async () => {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    const body = withNet({ seed: 41 }, async net => {
      void Promise.reject(new Error('nobody awaits this'))
      await net.advance('1h')
    })
    await expect(body()).rejects.toThrow(/^nobody awaits this\n[\s\S]*again: ATOLL_SEED=/)
  } finally {
    for (const other of others) process.on('unhandledRejection', other)
  }
})

test('a test that fails tells it once, though the stack of its error is made of the message when it is first read', async () => {
  const error = new Error('expected something else')
  let stack: string | undefined
  Object.defineProperty(error, 'stack', {
    get: () => (stack ??= `Error: ${error.message}\n    at here`),
    set: (text: string) => (stack = text),
  })
  await expect(withNet({}, () => Promise.reject(error))()).rejects.toBe(error)
  expect(error.stack).toMatch(/^Error: expected something else\n\nagain: /)
  expect(error.stack?.split('again: ')).toHaveLength(2)
})
