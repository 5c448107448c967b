import { describe, expect, test } from 'vitest'
import { createTestNet, type TestNet, type TestNetOptions } from '../../testing/index.ts'
import tally from './programs/tally.process.ts'

const badConfig = (text: string) =>
  expect.objectContaining({ code: 'bad-config', message: expect.stringContaining(text) })

describe('what makes no sense is refused, and says why', () => {
  test.each<[string, TestNetOptions, string]>([
    ['half a node', { nodes: 1.5 }, '1 to 64 nodes'],
    ['more nodes than anybody can name', { nodes: 1e12 }, '1 to 64 nodes'],
    ['a node without a name', { nodes: [''] }, 'different names'],
    ['a latency that is none', { latency: ['1ms', 'x' as '1ms'] }, "duration like '30s'"],
  ])('a network with %s', async (_what, options, text) => {
    await expect(createTestNet(options)).rejects.toEqual(badConfig(text))
  })

  test.each<[string, (net: TestNet) => unknown, string]>([
    ['time that goes back', net => net.advance(-1), "duration like '30s'"],
    ['time beyond all clocks', net => net.advance(1e300), '2255'],
    ['a crash of a node that there is not', net => net.fault.crash('n9'), 'no such node'],
    ['a crash of a process that nobody has seen', net => net.fault.crash('x'.repeat(43)), 'no such node'],
    ['a start of a node that there is not', net => net.fault.restart('n9'), 'no such node'],
    ['packets to a node that there is not', net => net.fault.drop({ to: 'n9' }), 'no such node'],
    ['packets from a node that there is not', net => net.fault.delay('1s', { from: 'n9' }), 'no such node'],
    ['a node on both sides', net => net.fault.partition(['n1'], ['n2', 'n1']), 'one group'],
  ])('%s', async (_what, act, text) => {
    await using net = await createTestNet({ nodes: 2 })
    const a = await net.spawn(tally, { args: {} })
    const { fingerprint } = net
    await expect(Promise.resolve(net).then(act)).rejects.toEqual(badConfig(text))
    expect(net.fingerprint).toBe(fingerprint)
    expect(await a.add({ by: 1 })).toBe(1)
  })
})

test('nodes that are down are no proof that anything is lost', async () => {
  await using net = await createTestNet({ nodes: 2 })
  await net.spawn(tally, { args: {}, node: 'n2' })
  net.fault.crash('n2')
  await expect(net.expectConverged()).rejects.toEqual(badConfig('net.heal()'))
  await net.heal()
  expect(await net.expectConverged()).toEqual({ processes: 1, slots: 1 })
})

test('a closed network does nothing any more, and says so', async () => {
  const net = await createTestNet({ nodes: 2 })
  const a = await net.spawn(tally, { args: {} })
  const waiting = a.sleepAndAdd({ ms: 3_600_000 }, { timeout: '3h' })
  await net[Symbol.asyncDispose]()
  await expect(waiting).rejects.toMatchObject({ code: 'unreachable' })
  await expect(a.add({ by: 1 })).rejects.toMatchObject({ code: 'unreachable' })
  for (const act of [
    () => net.advance('1h'),
    () => net.settled(),
    () => net.expectConverged(),
    () => net.heal(),
    () => net.fault.restart('n1'),
    () => net.fork(),
    () => net.spawn(tally, { args: {} }),
  ])
    await expect(act()).rejects.toEqual(badConfig('closed'))
  expect(await net.report()).toContain('seed 1')
  await net[Symbol.asyncDispose]()
})
