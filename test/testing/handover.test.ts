import { afterEach, describe, expect, test, vi } from 'vitest'
import { MessengerUnit } from '../../messenger-unit/index.ts'
import { fromUtf8 } from '../../protocol/index.ts'
import { createTestNet, type TestNet } from '../../testing/index.ts'

import { CHAOS, handoversInChaos, seeds } from './chaos.ts'

const NODES = { nodes: ['a', 'b', 'c'] } as const
const add = { action: 'Add', tags: [{ name: 'Quantity', value: '1' }] }

afterEach(() => vi.restoreAllMocks())

async function total(net: TestNet, id: string, node: string): Promise<string> {
  const sent = await net.client(node).send({ process: id, ...add })
  return fromUtf8((await sent.result()).output)
}

test('a process goes on at another node, with its slots and its state', async () => {
  await using net = await createTestNet(NODES)
  const counter = await net.spawn('counter', { node: 'a' })
  for (let n = 1; n <= 5; n++) expect(await total(net, counter.id, 'a')).toBe(String(n))
  expect(await net.handover(counter, { schedulers: ['b'] })).toMatchObject({
    epoch: 1,
    slots: 6,
    held: true,
  })
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

describe('what a unit had not delivered when its process was handed on', () => {
  /** To b, and back to a; both have been down since they had it. The receiver is down until the end. */
  async function thereAndBack(net: TestNet): Promise<void> {
    const [sender, taker] = [await net.spawn('relay', { node: 'a' }), await net.spawn('relay', { node: 'c' })]
    net.fault.crash('c')
    const tags = [
      { name: 'Peer', value: taker.id },
      { name: 'Count', value: '3' },
    ]
    await sender.send({ action: 'Fan-Out', tags })
    await net.handover(sender, { schedulers: ['b'] })
    net.fault.crash('a')
    await net.fault.restart('a')
    expect(await net.handover(sender, { schedulers: ['a'] })).toMatchObject({
      epoch: 2,
      held: true,
    })
    net.fault.crash('b')
    await net.heal()
    await net.settled()
  }

  test('is sent by the unit of now, though it evaluated it long ago', async () => {
    await using net = await createTestNet(NODES)
    await thereAndBack(net)
    expect(await net.expectConverged()).toEqual({ processes: 2, slots: 6 })
  })

  test('would be lost if the messenger were not told', async () => {
    vi.spyOn(MessengerUnit.prototype, 'moved').mockResolvedValue()
    await using net = await createTestNet(NODES)
    await thereAndBack(net)
    await expect(net.expectConverged()).rejects.toMatchObject({ code: 'verification-failed' })
  })
})

describe('whatever goes wrong during handovers', { timeout: 600_000 }, () => {
  test.for(seeds(8))('messages between processes take effect once, and receipts hold (seed %i)', async seed => {
    await using net = await createTestNet({ ...CHAOS, nodes: ['a', 'b', 'c', 'd'], seed })
    const { epochs } = await handoversInChaos(net, 4)
    expect(Math.min(...epochs)).toBeGreaterThanOrEqual(1)
    expect(await net.expectConverged()).toMatchObject({ processes: 4 })
  })
})
