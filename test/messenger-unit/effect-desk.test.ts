import { expect, test } from 'vitest'
import { EffectDesk } from '../../messenger-unit/effects/effect-desk.ts'
import type { FailedEffect } from '../../messenger-unit/index.ts'
import {
  asKeyId,
  asProcessId,
  type Effect,
  EffectFailed,
  ed25519Signer,
  Failure,
  makePush,
  type ScheduleAnswer,
  type Scheduler,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf, tagsOf } from '../fakes/signed-items.ts'

const key = asKeyId(keyOf(1))
const process = asProcessId(fakeId(2))
const core = { from: process, slot: 3, index: 0, seq: 0, depth: 1, fuel: 1n, origin: fakeId(4) }
const effect = makePush({ ...core, to: asProcessId(key) } as never, {
  kind: 'message',
  tags: tagsOf({ Action: 'Effect', Effect: 'double', Reference: '7' }),
  data: new TextEncoder().encode('21'),
  anchor: undefined,
})

interface World {
  /** How often the store and the scheduler fail at first. */
  readonly store?: number
  readonly scheduler?: number
  readonly double?: Effect
}

/** What comes of one effect at a desk, and when it was performed. */
async function performed({ double = async input => Number(input) * 2, ...failures }: World) {
  const clock = new ManualClock()
  const begunAt = clock.now()
  const log = MemoryLog.open()
  let [store, scheduler] = [failures.store ?? 0, failures.scheduler ?? 0]
  const get = log.store.get.bind(log.store)
  log.store.get = async name => {
    if (store-- > 0) throw new Failure('disk-fault')
    return get(name)
  }
  const told: ScheduleAnswer[] = []
  const seat: Pick<Scheduler, 'schedule'> = {
    schedule: async () => {
      told.push({ status: 'known' } as ScheduleAnswer)
      return told.slice(-1)
    },
  }
  const performances: number[] = []
  const failed: FailedEffect[] = []
  let isDelivered = false
  const desk = new EffectDesk({
    key,
    signer: ed25519Signer(seedOf(1)),
    effects: {
      double: async (input, call) => {
        performances.push(clock.now() - begunAt)
        return double(input, call)
      },
    },
    allow: ['*'],
    log,
    clock,
    random: () => 0.5,
    schedulerOf: async () => {
      if (scheduler-- > 0) throw new Failure('unreachable')
      return seat
    },
    delivered: () => {
      isDelivered = true
    },
    trouble: () => undefined,
    failed: one => failed.push(one),
  })
  desk.enqueue(effect)
  for (let turns = 0; !isDelivered && turns < 1000; turns++) {
    await settle()
    clock.advance(1000)
  }
  return { isDelivered, performances, told: told.length, failed }
}

test.each([
  ['the store cannot be read', { store: 3 }],
  ['the scheduler of its process cannot be looked up', { scheduler: 3 }],
])('an effect is performed once and told once, though for a while %s', async (_, failures) => {
  expect(await performed(failures)).toMatchObject({ isDelivered: true, performances: { length: 1 }, told: 1 })
})

test('an effect whose other side asks to be left alone is performed again after that, and not at all if that is long', async () => {
  const busy = (afterMs: number) => ({
    double: async () => {
      throw new EffectFailed('effect-failed', 'busy', { passing: true, afterMs })
    },
  })
  expect(await performed(busy(7000))).toMatchObject({ isDelivered: true, performances: [0, 7000, 14_000], told: 1 })
  expect(await performed(busy(3_600_000))).toMatchObject({ isDelivered: true, performances: [0], told: 1 })
})

test('the operator learns once which effect failed, of whom and where, and none of its words', async () => {
  const refused = Object.assign(new Error('of a secret'), { code: 'ECONNREFUSED' })
  const { failed } = await performed({
    double: async (_, { reaching }) => {
      reaching?.('api.example:8443')
      const cause = new TypeError('another secret', { cause: refused })
      throw new EffectFailed('effect-failed', 'a third', { passing: true, status: 503, cause })
    },
  })
  const [reason, host] = ['ECONNREFUSED', 'api.example:8443']
  expect(failed).toEqual([{ effect: 'double', process, code: 'effect-failed', host, status: 503, reason }])
})
