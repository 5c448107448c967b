import { describe, expect, test } from 'vitest'
import { fromUtf8 } from '../../protocol/index.ts'
import { createTestNet, type TestNet } from '../../testing/index.ts'

import { CHAOS, handoversInChaos, seeds } from './chaos.ts'

const NODES = { nodes: ['a', 'b', 'c'] } as const
const add = { action: 'Add', tags: [{ name: 'Quantity', value: '1' }] }

async function total(net: TestNet, id: string, node: string): Promise<string> {
  const sent = await net.client(node).send({ process: id, ...add })
  return fromUtf8((await sent.result()).output)
}

test('a process goes on at another node, with its slots and its state', async () => {
  await using net = await createTestNet(NODES)
  const counter = await net.spawn('counter', { node: 'a' })
  for (let n = 1; n <= 5; n++) expect(await total(net, counter.id, 'a')).toBe(String(n))
  expect(await net.handover(counter, { schedulers: ['b'] })).toMatchObject({ epoch: 1, slots: 6, held: true })
  for (const [n, node] of ['a', 'b', 'c'].entries()) expect(await total(net, counter.id, node)).toBe(String(6 + n))
  await net.settled()
  expect(await net.expectConverged()).toEqual({ processes: 1, slots: 9 })
})

test('a process goes from one scheduler to three, of which one is down, and back', async () => {
  await using net = await createTestNet(NODES)
  const counter = await net.spawn('counter', { node: 'a' })
  expect(await total(net, counter.id, 'a')).toBe('1')
  await net.handover(counter, { schedulers: ['a', 'b', 'c'], computeUnits: ['b'] })
  net.fault.crash('c')
  expect(await total(net, counter.id, 'a')).toBe('2')
  expect(await net.handover(counter, { schedulers: ['b'] })).toMatchObject({ epoch: 2, held: true })
  expect(await total(net, counter.id, 'b')).toBe('3')
  await net.heal()
  expect(await total(net, counter.id, 'c')).toBe('4')
  expect(await net.expectConverged()).toEqual({ processes: 1, slots: 5 })
})

describe('whatever goes wrong during handovers', { timeout: 600_000 }, () => {
  test.for(seeds(8))('messages between processes take effect once, and receipts hold (seed %i)', async seed => {
    await using net = await createTestNet({ ...CHAOS, nodes: ['a', 'b', 'c', 'd'], seed })
    const { epochs } = await handoversInChaos(net, 4)
    expect(Math.min(...epochs)).toBeGreaterThanOrEqual(1)
    expect(await net.expectConverged()).toMatchObject({ processes: 4 })
  })
})
