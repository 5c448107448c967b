import { expect, it } from 'vitest'
import type { OpenHost } from '../../compute-unit/hosts/host-pool.ts'
import { HostSeats } from '../../compute-unit/hosts/host-seats.ts'

it('hosts for what takes long give way to all others, that for queries too', async () => {
  const opened: boolean[] = []
  const open: OpenHost = ({ background = false }) => {
    opened.push(background)
    return {
      pid: undefined,
      waiting: 0,
      ask: () => Promise.resolve({ kind: 'done' }),
      kill: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  await using seats = new HostSeats(open, 1)
  for (const seat of [seats.query, seats.apart, seats.slow, seats.slowQuery]) await seat.ask({ kind: 'rest' })
  expect(opened).toEqual([false, false, true, true])
})
