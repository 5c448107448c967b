import { expect, test } from 'vitest'
import { EffectDesk } from '../../messenger-unit/effects/effect-desk.ts'
import {
  asKeyId,
  asProcessId,
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

/** A desk whose store and scheduler fail so many times. */
async function performed(failures: { readonly store?: number; readonly scheduler?: number }) {
  const clock = new ManualClock()
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
  let performances = 0
  let isDelivered = false
  const desk = new EffectDesk({
    key,
    signer: ed25519Signer(seedOf(1)),
    effects: { double: async input => Number(input) * 2 + performances++ * 0 },
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
  })
  desk.enqueue(effect)
  for (let turns = 0; !isDelivered && turns < 50; turns++) {
    await settle()
    clock.advance(60_000)
  }
  return { isDelivered, performances, told: told.length }
}

test.each([
  ['the store cannot be read', { store: 3 }],
  ['the scheduler of its process cannot be looked up', { scheduler: 3 }],
])('an effect is performed once and told once, though for a while %s', async (_, failures) => {
  expect(await performed(failures)).toEqual({ isDelivered: true, performances: 1, told: 1 })
})
