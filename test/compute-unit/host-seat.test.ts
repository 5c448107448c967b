import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { childProcessHosts, HostSeat, inThreadHosts } from '../../compute-unit/index.ts'
import { damaged } from '../../compute-unit/hosts/faults.ts'
import { hostProgram } from '../../node/programs/host-program.ts'
import {
  asModuleId,
  asProcessId,
  encodeEnvelope,
  type ModuleDescription,
  type ProcessId,
  type Runtime,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { spawnItem } from '../fakes/signed-items.ts'
import { breakingRuntime } from './breaking-runtime.ts'
import { ComputeHarness } from './compute-harness.ts'

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

it('of requests that were answered nothing outlives a collection of young objects, though the host has outlived many (0043)', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  await using seat = new HostSeat({
    open: childProcessHosts(hostProgram()),
    wallMaxMs: 60_000,
    onExit: () => undefined,
  })
  const id = asProcessId(fakeId(1))
  const [rounds, together] = [100, 64]
  const pass = async (): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const asked = Array.from({ length: together }, () => seat.ask({ kind: 'close', process: id }))
      expect((await Promise.all(asked)).every(({ kind }) => kind === 'done')).toBe(true)
    }
  }
  await pass()
  collect()
  const before = process.memoryUsage().heapUsed
  await pass()
  collect({ type: 'minor' })
  collect({ type: 'minor' })
  const kept = process.memoryUsage().heapUsed - before
  // Left behind, each takes 300 bytes.
  expect(kept / (rounds * together)).toBeLessThan(150)
})

it('a host that did much gives memory back once, after it had nothing to do for long: a pause costs it no compiled code', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const asked: string[] = []
  await using seat = new HostSeat({
    open: () => ({
      pid: 1,
      waiting: 0,
      ask: async ({ kind }) => {
        asked.push(kind)
        return { kind: 'done' }
      },
      kill: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }),
    wallMaxMs: 60_000,
    onExit: () => undefined,
  })
  const work = async (): Promise<void> => {
    for (let count = 0; count < 300; count++) await seat.ask({ kind: 'close', process: asProcessId(fakeId(1)) })
  }
  const rests = (): number => asked.filter(kind => kind === 'rest').length
  await work()
  await vi.advanceTimersByTimeAsync(6_000)
  await work()
  await vi.advanceTimersByTimeAsync(6_000)
  expect(rests()).toBe(0)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(rests()).toBe(1)
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
  const module = (number: number): ModuleDescription => ({
    id: asModuleId(fakeId(number)),
    owner: '',
    format: 'breaking',
    tags: [],
    wasm: Uint8Array.of(1),
  })
  const item = spawnItem(module(0).id, keyOf(1))
  const spawn = encodeEnvelope({ kind: 'item', item: item.bytes })
  await seat.load(module(0))
  const open = {
    kind: 'open',
    process: asProcessId(item.id),
    module: module(0).id,
    spawn,
    snapshot: undefined,
  } as const
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

it('a module stays while somebody has yet to ask what needs it; without it nothing is damaged and nobody at fault', async () => {
  await using seat = new HostSeat({
    open: inThreadHosts([breakingRuntime]),
    wallMaxMs: 60_000,
    onExit: () => undefined,
  })
  const module = (number: number): ModuleDescription => ({
    id: asModuleId(fakeId(number)),
    owner: '',
    format: 'breaking',
    tags: [],
    wasm: Uint8Array.of(1),
  })
  const item = spawnItem(module(0).id, keyOf(1))
  const spawn = encodeEnvelope({ kind: 'item', item: item.bytes })
  const open = {
    kind: 'open',
    process: asProcessId(item.id),
    module: module(0).id,
    spawn,
    snapshot: undefined,
  } as const
  {
    using _one = seat.pin(module(0).id)
    {
      using _other = seat.pin(module(0).id)
    }
    for (let number = 0; number < 60; number++) await seat.load(module(number))
    expect((await seat.ask(open)).kind).toBe('opened')
    await seat.ask({ kind: 'close', process: open.process })
  }
  for (let number = 60; number < 120; number++) await seat.load(module(number))
  const missing = await seat.ask(open).catch((error: unknown) => error)
  expect(missing).toMatchObject({ code: 'host-fault', details: { fatal: false, bystander: true } })
  // Nor is it anybody's fault that a process is not open here.
  await expect(seat.ask({ kind: 'delta', process: open.process })).rejects.toMatchObject({
    details: { fatal: false, bystander: true },
  })
  expect(() => damaged(missing)).toThrow()
})

it('processes of more modules than stay loaded wake together, each from its checkpoint', {
  timeout: 120_000,
}, async () => {
  // Requests are at hand before the first is answered, as with a host of its own.
  const openHost = inThreadHosts([breakingRuntime], () => new Promise(resolve => setImmediate(resolve)))
  const first = await ComputeHarness.open({ openHost })
  const { log } = first
  const processes: ProcessId[] = []
  for (let number = 0; number < 60; number++) {
    const module = await first.addModule(Uint8Array.of(number), [{ name: 'Module-Format', value: 'breaking' }])
    processes.push(await first.spawn(module))
  }
  for (const process of processes) expect((await first.ask(process)).status).toBe('ok')
  await first.unit.checkpointAll()
  await first[Symbol.asyncDispose]()
  await using again = await ComputeHarness.open({ openHost, log })
  const results = await Promise.all(processes.map(process => again.ask(process)))
  expect(results.map(({ status }) => status)).toEqual(processes.map(() => 'ok'))
  expect(again.troubles).toEqual([])
  for (const process of processes) expect(await again.unit.checkpointsOf(process)).toEqual([2])
})
