import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MessageId, ScheduleAnswer, ScheduleRequest } from '../../protocol/index.ts'
import { SchedulerUnit } from '../../scheduler-unit/index.ts'
import { createTestNet, type TestNet } from '../../testing/index.ts'
import { nodeKeys } from '../../testing/simulation/node-keys.ts'

afterEach(() => vi.restoreAllMocks())

type Lie = (request: ScheduleRequest) => ScheduleAnswer

/** The scheduler of this node takes no push, and says this of each that others hand it. */
function lying(node: string, lie: Lie): void {
  const { key } = nodeKeys(node)
  const { schedule, expectedSeq } = SchedulerUnit.prototype
  vi.spyOn(SchedulerUnit.prototype, 'schedule').mockImplementation(async function (this: SchedulerUnit, requests) {
    const isLie = this.key === key && requests.some(({ envelope }) => envelope.kind === 'push')
    return isLie ? requests.map(lie) : schedule.call(this, requests)
  })
  vi.spyOn(SchedulerUnit.prototype, 'expectedSeq').mockImplementation(async function (this: SchedulerUnit, to, from) {
    return this.key === key ? 99 : expectedSeq.call(this, to, from)
  })
}

const LIES: readonly (readonly [string, Lie])[] = [
  ['is there already', () => ({ status: 'duplicate' })],
  [
    'has a slot now',
    ({ process, envelope }) => ({
      status: 'scheduled',
      receipt: { id: envelope.kind as MessageId, process, slot: 7, timestampMs: 7 },
    }),
  ],
  ['comes too early', () => ({ status: 'gap', expectedSeq: 0 })],
]

/** Messages that a process has taken, its spawn message among them. */
async function slots(net: TestNet, node: string, process: string): Promise<number> {
  return (await Array.fromAsync(net.client(node).processes.slots(process))).length
}

describe('of three schedulers, two of which must sign', { timeout: 120_000 }, () => {
  for (const [liar, who] of [
    ['the one that leads', 'n1'],
    ['another', 'n2'],
  ] as const) {
    test.for(LIES)(`${liar} says of each push that it %s: all of them arrive once`, async ([, lie]) => {
      await using net = await createTestNet({ nodes: 4, seed: 11 })
      const schedulers = ['n1', 'n2', 'n3']
      const shared = await net.spawn('relay', {
        schedulers,
        schedulerQuorum: 2,
        computeUnits: ['n4'],
        through: 'n4',
      })
      const sender = await net.spawn('relay', { node: 'n4' })
      lying(who, lie)
      await sender.send({
        action: 'Fan-Out',
        tags: [
          { name: 'Peer', value: shared.id },
          { name: 'Count', value: '3' },
        ],
      })
      await net.settled({ within: '10m' })
      expect(await slots(net, 'n4', shared.id)).toBe(4)
      vi.restoreAllMocks()
      await net.heal()
      await net.expectConverged()
    })
  }
})
