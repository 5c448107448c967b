import { expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { Tally } from './programs/tally.contract.ts'
import tally from './programs/tally.process.ts'

test('agents on several nodes await each other, in virtual time', async () => {
  await using net = await createTestNet({ seed: 7, nodes: 3, latency: ['1ms', '80ms'] })
  const a = await net.spawn(tally, { args: { start: 1 }, node: 'n1', name: 'a' })
  const b = await net.spawn(tally, { args: { start: 10 }, node: 'n2', name: 'b' })
  const c = await net.spawn(tally, { args: { start: 20 }, node: 'n3', name: 'c' })
  expect(await a.add({ by: 2 })).toBe(3)
  expect(await a.askAll({ others: [b.id, c.id, b.id], by: 5 })).toEqual([15, 25, 20])
  expect((await b.all()).total).toBe(20)
  expect(await net.process(Tally, c.id).all()).toMatchObject({ total: 25 })
  const before = net.now
  expect(await c.sleepAndAdd({ ms: 7_200_000 }, { timeout: '3h' })).toBe(26)
  expect(net.now - before).toBeGreaterThanOrEqual(7_200_000)
  expect(await net.expectConverged()).toEqual({ processes: 3, slots: 14 })
})

test('a timer of hours fires in order', async () => {
  await using net = await createTestNet()
  const a = await net.spawn(tally, { args: {} })
  await a.tickEvery({ ms: 3_600_000, times: 3 })
  await net.advance('24h')
  const { ticks } = await a.all()
  expect(ticks).toHaveLength(5)
  await net.expectConverged()
})

test('effects are functions of the test', async () => {
  await using net = await createTestNet({
    effects: {
      'test.look': async input => ({ saw: input }),
      // The compiler knows what is asked, and what must be answered.
      'http.fetch': async ({ url }) => ({ status: 200, headers: {}, body: url.slice(1) }),
      // @ts-expect-error a status is a number
      'llm.generate': async ({ messages }) => ({ text: messages?.at(0)?.role, finishReason: 7 }),
    },
  })
  const a = await net.spawn(tally, { args: {} })
  expect(await a.look({ url: 'x' })).toBe('{"saw":{"url":"x"}}')
})

test('a slot that breaks a limit of the outbox takes nothing of those before it in its frame', async () => {
  await using net = await createTestNet()
  const a = await net.spawn(tally, { args: {} })
  const adds = Array.from({ length: 5 }, () => a.add({ by: 1 }))
  const shouted = a.shout({ characters: 1_000_000 })
  const later = Array.from({ length: 5 }, () => a.add({ by: 1 }))
  await expect(shouted).rejects.toMatchObject({ details: { code: 'outbox-limit' } })
  expect(await Promise.all([...adds, ...later])).toEqual(Array.from({ length: 10 }, (_, at) => at + 1))
  await net.expectConverged()
})

test('what a request asks of its own process while it waits ends with the fuel of the first', async () => {
  await using net = await createTestNet()
  const a = await net.spawn(tally, { args: {} })
  const b = await net.spawn(tally, { args: {} })
  await a.rally({ peer: b.id }, { timeout: '10m' })
  // The last answer does not come, for want of fuel; after an hour nobody waits for it.
  await net.advance('3h')
  const { total } = await a.all()
  expect(total).toBeLessThan(40)
  await net.advance('24h')
  expect((await a.all()).total).toBe(total)
  await net.expectConverged()
})

test('more requests wait than a chain of messages may be long, and each is answered', async () => {
  await using net = await createTestNet()
  const a = await net.spawn(tally, { args: {} })
  const b = await net.spawn(tally, { args: {} })
  const asked = await Promise.all(
    Array.from({ length: 540 }, () => a.askAll({ others: [b.id], by: 1 }, { timeout: '10m' })),
  )
  expect(asked.flat().sort((one, other) => one - other)).toEqual(Array.from({ length: 540 }, (_, at) => at + 1))
  await net.expectConverged()
}, 120_000)

test('a state that its contract does not take is found, though no message failed for it', async () => {
  await using net = await createTestNet({ nodes: 2 })
  await net.spawn(tally, { args: { start: 1 }, computeUnits: ['n2'] })
  const most = await net.spawn(tally, { args: { start: Number.MAX_SAFE_INTEGER }, node: 'n2' })
  await net.expectConverged()
  await most.nap({ ms: 1 })
  await expect(net.expectConverged()).rejects.toMatchObject({
    code: 'verification-failed',
    details: { process: most.id },
    message: expect.stringMatching(/its state does not fit: .*tally\.@state: total: /),
  })
  const copy = await net.fork()
  await expect(copy.expectConverged()).rejects.toMatchObject({ code: 'verification-failed' })
})
