import { expect, test } from 'vitest'
import { agreeing } from '../../agreement/agreeing.ts'
import {
  asKeyId,
  asModuleId,
  encodeUnitReading,
  Failure,
  type KeyId,
  toUtf8,
  type UnitRead,
} from '../../protocol/index.ts'
import { AGREED_UNITS as UNITS, agreedProcess as process } from '../fakes/agreed-process.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { settle } from '../fakes/manual-clock.ts'
import { realClock } from '../fakes/real-clock.ts'

const stateAt = (slot: number): Uint8Array =>
  encodeUnitReading('state', { slot, module: asModuleId(keyOf(4)), document: new Uint8Array(2) })

test.each([
  ['with nonsense', () => toUtf8('{')],
  ['with the first slot', () => stateAt(0)],
  ['with a slot that will never be', () => stateAt(1e9)],
])('a unit that answers %s does not keep the others from agreeing', async (_, lie) => {
  const [liar, behind] = UNITS
  const read = async (unit: KeyId, __: unknown, what: UnitRead): Promise<Uint8Array> => {
    if (unit === liar) return lie()
    const at = what.kind === 'state' ? what.at : undefined
    // One of them is a slot behind the other whenever it is asked about the present.
    if (at === 0 || (at ?? 0) > 8) throw new Failure('unknown-slot')
    return stateAt(at ?? (unit === behind ? 7 : 8))
  }
  const answer = await agreeing(
    { key: asKeyId(keyOf(6)), peers: { read }, clock: realClock },
    process,
    { kind: 'state', at: undefined },
    { timeoutMs: 60_000 },
  )
  expect([7, 8]).toContain(answer.slot)
})

test('units that have come to different slots are asked about one slot at once', async () => {
  const [, behind] = UNITS
  let pauses = 0
  const clock = {
    ...realClock,
    elapsed: () => 0,
    sleep: async () => {
      pauses += 1
    },
  }
  const read = async (unit: KeyId, __: unknown, what: UnitRead): Promise<Uint8Array> =>
    stateAt((what.kind === 'state' ? what.at : undefined) ?? (unit === behind ? 7 : 8))
  const answer = await agreeing(
    { key: asKeyId(keyOf(6)), peers: { read }, clock },
    { ...process, policy: { ...process.policy, computeUnits: UNITS.slice(0, 2) } },
    { kind: 'state', at: undefined },
  )
  expect([answer.slot, pauses]).toEqual([7, 0])
})

test('units that never agree are given up in time, though the date is set back again and again', async () => {
  let elapsedMs = 0
  const clock = {
    now: () => 1e12 - elapsedMs,
    elapsed: () => elapsedMs,
    async sleep(ms: number) {
      elapsedMs += ms
      await settle(1)
    },
  }
  const read = async (unit: KeyId): Promise<Uint8Array> => stateAt(UNITS.indexOf(unit))
  const asking = agreeing(
    { key: asKeyId(keyOf(6)), peers: { read }, clock },
    process,
    { kind: 'state', at: 3 },
    { timeoutMs: 1_000 },
  )
  await expect(asking).rejects.toMatchObject({ code: 'no-agreement' })
})
