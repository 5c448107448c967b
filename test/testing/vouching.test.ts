import { afterEach, expect, test, vi } from 'vitest'
import { OwnPush } from '../../compute-unit/following/own-push.ts'
import type { Push } from '../../protocol/index.ts'
import { SchedulerUnit } from '../../scheduler-unit/index.ts'
import { createTestNet } from '../../testing/index.ts'

afterEach(() => vi.restoreAllMocks())

test('a push goes to the node’s own scheduler without its proof, to that of another node with it', async () => {
  await using net = await createTestNet({ nodes: 2 })
  const from = await net.spawn('relay', { node: 'n1' })
  const near = await net.spawn('relay', { node: 'n1' })
  const far = await net.spawn('relay', { node: 'n2' })
  const proven = new Map<string, boolean[]>()
  const schedule = SchedulerUnit.prototype.schedule
  vi.spyOn(SchedulerUnit.prototype, 'schedule').mockImplementation(function (this: SchedulerUnit, requests) {
    for (const { process, envelope } of requests) {
      if (envelope.kind !== 'push') continue
      proven.set(process, [...(proven.get(process) ?? []), envelope.proof !== undefined])
    }
    return schedule.call(this, requests)
  })
  for (const { id } of [near, far]) {
    const tags = [
      { name: 'Peer', value: id },
      { name: 'Count', value: '2' },
    ]
    await from.send({ action: 'Fan-Out', tags })
  }
  await net.settled()
  expect(proven).toEqual(
    new Map([
      [near.id, [false, false]],
      [far.id, [true, true]],
    ]),
  )
  // All nodes evaluate both feeds, and those that did not schedule them believe nobody.
  await net.expectConverged()
})

test('a push proves itself to another node, though that node could vouch for it, being a compute unit too', async () => {
  await using net = await createTestNet({ nodes: 2 })
  const from = await net.spawn('relay', { node: 'n1', computeUnits: ['n1', 'n2'] })
  // Which of the two units carries to whom follows from the receiver's id: of several, some are carried by n1.
  const far = []
  for (let i = 0; i < 6; i++) far.push(await net.spawn('relay', { node: 'n2', computeUnits: ['n2', 'n1'] }))
  await net.settled()
  const carried: Push[] = []
  const schedule = SchedulerUnit.prototype.schedule
  vi.spyOn(SchedulerUnit.prototype, 'schedule').mockImplementation(function (this: SchedulerUnit, requests) {
    // What came over a wire is nobody's own.
    for (const { envelope } of requests)
      if (envelope.kind === 'push' && !(envelope.push instanceof OwnPush)) {
        expect(envelope.proof).toBeDefined()
        carried.push(envelope.push)
      }
    return schedule.call(this, requests)
  })
  const tags = [...far.map(({ id }) => ({ name: 'Peer', value: id })), { name: 'Count', value: '3' }]
  await from.send({ action: 'Fan-Out', tags })
  await net.settled()
  expect(net.troubles).toEqual([])
  expect(carried.length).toBeGreaterThan(0)
  expect(carried.length).toBeLessThan(6 * 3)
  await net.expectConverged()
})
