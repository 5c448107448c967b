import { expect, test } from 'vitest'
import { Faults, type Places } from '../../compute-unit/hosts/faults.ts'
import type { HostSeat } from '../../compute-unit/hosts/host-pool.ts'
import { asProcessId, Failure } from '../../protocol/index.ts'

const seat = (name: string): HostSeat => ({ name }) as unknown as HostSeat
const places: Places = { seat: seat('home'), apart: seat('apart'), slow: seat('slow') }
const fault = (details: object): Failure => new Failure('host-fault', { cause: 'why', ...details })
const open = (): Faults => new Faults(asProcessId('A'.repeat(43)))

test('what brings its host down twice goes apart; what only fails there does so, too, after four times', () => {
  const fatal = open()
  for (const where of ['seat', 'apart'] as const) {
    fatal.add(fault({}), 3, 7)
    expect(fatal.placeIn(places, 0)).toBe(places[where])
  }
  const failing = open()
  for (const where of ['seat', 'seat', 'seat', 'apart'] as const) {
    failing.add(fault({ fatal: false }), 3, 7)
    expect(failing.placeIn(places, 0)).toBe(places[where])
  }
  expect(failing.standing).toMatchObject({ code: 'stands-still', details: { slot: 7 } })
  failing.clear()
  expect(failing.placeIn(places, 0)).toBe(places.seat)
})

test('the disk, and what the host did not begin, are no faults of the process; but nothing is tried without a pause for ever', () => {
  const faults = open()
  const pauses: number[] = []
  for (let n = 0; n < 6; n++) pauses.push(faults.add(fault({ fatal: false, bystander: true }), 3, 7))
  for (let n = 0; n < 6; n++) faults.add(new Failure('disk-full'), 3, 7)
  expect(faults.placeIn(places, 0)).toBe(places.seat)
  expect(faults.standing).toBeUndefined()
  expect(pauses.slice(0, 3)).toEqual([0, 0, 0])
  expect(pauses.slice(3).every(ms => ms > 0)).toBe(true)
})
