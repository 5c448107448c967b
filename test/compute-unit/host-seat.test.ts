import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { childProcessHosts, HostSeat } from '../../compute-unit/index.ts'
import { hostProgram } from '../../node/host-program.ts'

const seatEnding = (endAfterMs: number): HostSeat =>
  new HostSeat({ open: childProcessHosts(hostProgram()), wallMaxMs: 60_000, onExit: () => undefined, endAfterMs })

it('a host that nobody asks anything ends, and the next request starts another that knows of nothing', async () => {
  await using seat = seatEnding(1)
  expect(await seat.ask({ kind: 'rest' })).toEqual({ kind: 'done' })
  const { generation } = seat
  await expect.poll(() => seat.pid, { timeout: 60_000 }).toBeUndefined()
  // Who opened something there must not take it for open.
  expect(seat.generation).toBeGreaterThan(generation)
  expect(await seat.ask({ kind: 'rest' })).toEqual({ kind: 'done' })
  expect(seat.pid).toBeDefined()
})

it('a host stays while somebody counts on what is open in it', async () => {
  await using seat = seatEnding(1)
  {
    using _held = seat.hold()
    await seat.ask({ kind: 'rest' })
    const { pid } = seat
    await sleep(2_500)
    expect(pid).toBeDefined()
    expect(seat.pid).toBe(pid)
  }
  await expect.poll(() => seat.pid, { timeout: 60_000 }).toBeUndefined()
})
