import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { childProcessHosts, HostSeat, inThreadHosts } from '../../compute-unit/index.ts'
import { hostProgram } from '../../node/host-program.ts'
import { asModuleId, asProcessId, encodeEnvelope, type ModuleDescription, type Runtime } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { spawnItem } from '../fakes/signed-items.ts'
import { breakingRuntime } from './breaking-runtime.ts'

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

it('modules that nobody asks for any more leave the host, those on which a process runs stay', async () => {
  const loaded = new Set<string>()
  const counting: Runtime = {
    ...breakingRuntime,
    load: (prepared, module) => {
      loaded.add(module.id)
      return { ...breakingRuntime.load(prepared, module), close: () => void loaded.delete(module.id) }
    },
  }
  await using seat = new HostSeat({ open: inThreadHosts([counting]), wallMaxMs: 60_000, onExit: () => undefined })
  const module = (number: number): ModuleDescription => ({ id: asModuleId(fakeId(number)), owner: '', format: 'breaking', tags: [], wasm: Uint8Array.of(1) })
  const item = spawnItem(module(0).id, keyOf(1))
  const spawn = encodeEnvelope({ kind: 'item', item: item.bytes })
  await seat.load(module(0))
  const open = { kind: 'open', process: asProcessId(item.id), module: module(0).id, spawn, snapshot: undefined } as const
  expect((await seat.ask(open)).kind).toBe('opened')
  for (let number = 1; number < 200; number++) await seat.load(module(number))
  await seat.ask({ kind: 'rest' })
  expect(loaded.size).toBeLessThan(40)
  expect(loaded).toContain(module(0).id)
  // One that left is loaded again for whoever asks.
  expect(loaded).not.toContain(module(1).id)
  await seat.load(module(1))
  expect(loaded).toContain(module(1).id)
})
