import { afterEach, expect, test, vi } from 'vitest'
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
  vi.spyOn(SchedulerUnit.prototype, 'schedule').mockImplementation(function (
    this: SchedulerUnit,
    requests,
  ) {
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
