import { describe, expect, it } from 'vitest'
import { Residency, type Resident } from '../../compute-unit/following/residency.ts'
import { type ProcessId, toHex, toUtf8 } from '../../protocol/index.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { ComputeHarness } from './compute-harness.ts'

const MiB = 1024 * 1024
const MINUTE_MS = 60_000

class FakeResident implements Resident {
  readonly process: { readonly id: ProcessId }
  inHost = true
  idle = true
  usedMs: number
  readonly sizeBytes: number

  constructor(name: string, usedMs: number, sizeBytes: number) {
    this.process = { id: name as ProcessId }
    this.usedMs = usedMs
    this.sizeBytes = sizeBytes
  }

  async hibernate(): Promise<void> {
    this.inHost = false
  }
}

interface Held {
  readonly residency: Residency<FakeResident>
  readonly clock: ManualClock
  readonly followers: Set<FakeResident>
}

function hold(
  residents: readonly FakeResident[],
  limits: { maxBytes?: number; followersMax?: number; watched?: string } = {},
): Held & Disposable {
  const clock = new ManualClock(10 * MINUTE_MS)
  const followers = new Set(residents)
  const residency = new Residency<FakeResident>({
    clock,
    store: new MemoryStore(),
    maxBytes: limits.maxBytes ?? 1024 * MiB,
    followersMax: limits.followersMax ?? 100,
    followers,
    isWatched: process => process === limits.watched,
    forget: follower => void followers.delete(follower),
    trouble: (process, error) => expect.unreachable(`${process}: ${error.message}`),
  })
  return { residency, clock, followers, [Symbol.dispose]: () => residency[Symbol.dispose]() }
}

/** One look, however long it takes by the clock; gives that, in ms. */
async function swept({ residency, clock }: Held): Promise<number> {
  const beganMs = clock.now()
  let isOver = false
  const done = residency.sweep().finally(() => {
    isOver = true
  })
  for (await settle(); !isOver; await settle()) clock.advance(1)
  await done
  return clock.now() - beganMs
}

const loaded = (residents: Iterable<FakeResident>): string[] =>
  [...residents].filter(one => one.inHost).map(one => one.process.id)

describe('who stays loaded', () => {
  const now = 10 * MINUTE_MS

  it('is everybody, while little is held', async () => {
    using held = hold([new FakeResident('a', 0, MiB), new FakeResident('b', 0, MiB)])
    await swept(held)
    expect(loaded(held.followers)).toEqual(['a', 'b'])
  })

  it('is who was used last, when too much is held; the busy stay', async () => {
    const busy = new FakeResident('busy', 0, 10 * MiB)
    busy.idle = false
    const names = ['a', 'b', 'c', 'd']
    const others = names.map((name, i) => new FakeResident(name, now - i, 10 * MiB))
    using held = hold([busy, ...others], { maxBytes: 30 * MiB })
    await swept(held)
    expect(loaded(held.followers)).toEqual(['busy', 'a', 'b'])
  })

  /** Forty of 10,000 bytes each, of whom `most` tells how many left at once. */
  function crowd(): { residents: FakeResident[]; most: () => number } {
    let [leaving, most] = [0, 0]
    const residents = Array.from({ length: 40 }, (_, i) => {
      const one = new FakeResident(`${i}`, now - i, 10_000)
      one.hibernate = async () => {
        leaving += 1
        most = Math.max(most, leaving)
        await settle(2)
        leaving -= 1
        one.inHost = false
      }
      return one
    })
    return { residents, most: () => most }
  }

  it('changes one by one, some time apart: whoever is woken meanwhile hardly waits', async () => {
    const { residents, most } = crowd()
    using held = hold(residents, { maxBytes: 370_000 })
    expect(await swept(held)).toBeGreaterThanOrEqual(9)
    expect(loaded(held.followers)).toHaveLength(37)
    expect(most()).toBe(1)
  })

  it('changes a few at a time, with no pause, while much too much is held', async () => {
    const { residents, most } = crowd()
    using held = hold(residents, { maxBytes: 100_000 })
    expect(await swept(held)).toBeLessThan(12)
    expect(loaded(held.followers)).toHaveLength(10)
    expect(most()).toBe(4)
  })

  it('is looked at anew when a burst loads much meanwhile', async () => {
    const { residents } = crowd()
    const [first] = residents.toReversed()
    if (first === undefined) throw new Error('nobody')
    using held = hold(residents, { maxBytes: 370_000 })
    first.hibernate = async () => {
      await settle(1)
      first.inHost = false
      for (let more = 0; more < 100; more++) held.followers.add(new FakeResident(`more ${more}`, 0, 10_000))
      for (let frame = 0; frame < 512; frame++) held.residency.evaluated()
    }
    await swept(held)
    expect(loaded(held.followers)).toHaveLength(37)
  })

  it('is still who was used while others left', async () => {
    const [first, ...others] = Array.from({ length: 8 }, (_, i) => new FakeResident(`${i}`, now - 100 + i, 10 * MiB))
    if (first === undefined) throw new Error('nobody')
    const resident = new FakeResident('woken', now - 99.5, 10 * MiB)
    first.hibernate = async () => {
      first.inHost = false
      resident.usedMs = now + 1
    }
    using held = hold([first, ...others, resident], { maxBytes: 10 * MiB })
    await swept(held)
    expect(loaded(held.followers)).toContain('woken')
  })

  it('is nobody who has been idle for a minute, when more than a little is held', async () => {
    using held = hold([
      new FakeResident('long idle', now - 2 * MINUTE_MS, 40 * MiB),
      new FakeResident('just used', now - 1, 80 * MiB),
    ])
    await swept(held)
    expect(loaded(held.followers)).toEqual(['just used'])
  })

  it('leaves in groups when many leave, and all do', async () => {
    const many = Array.from({ length: 500 }, (_, i) => new FakeResident(`p${i}`, i, MiB))
    using held = hold(many, { maxBytes: 10 * MiB })
    await swept(held)
    expect(loaded(many)).toEqual(many.slice(-10).map(one => one.process.id))
  })

  it('is looked at as time passes, and no more once that has ended', async () => {
    const residents = [new FakeResident('a', 0, 2 * MiB)]
    const held = hold(residents, { maxBytes: MiB })
    held.clock.advance(2_000)
    await settle()
    expect(loaded(residents)).toEqual([])
    held[Symbol.dispose]()
    expect(held.clock.sleeping).toBe(0)
  })
})

describe('followers', () => {
  it('are forgotten above their bound, who was used last stays: idle, hibernated and unwatched', async () => {
    const [inHost, busy, watched, old, older, recent] = ['host', 'busy', 'watched', 'old', 'older', 'recent'].map(
      (name, i) => new FakeResident(name, name === 'older' ? 0 : i, 0),
    ) as [FakeResident, FakeResident, FakeResident, FakeResident, FakeResident, FakeResident]
    for (const one of [busy, watched, old, older, recent]) one.inHost = false
    busy.idle = false
    const all = [inHost, busy, watched, recent, old, older]
    using held = hold(all, { followersMax: 4, watched: 'watched' })
    await swept(held)
    expect([...held.followers].map(one => one.process.id)).toEqual(['host', 'busy', 'watched', 'recent'])
  })

  it('stay while a call is in the middle of using them, however long that takes', async () => {
    const clock = new ManualClock()
    await using harness = await ComputeHarness.open({ clock, residentMaxBytes: 1, followersMax: 0 })
    const process = await harness.spawn(await harness.addStandard('counter'))
    await harness.ask(process, { Action: 'Add', Quantity: '3' })
    const { unit, log } = harness
    await expect
      .poll(() => {
        clock.advance(2_000)
        return unit.following
      })
      .toBe(0)
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const module = log.directory.module.bind(log.directory)
    log.directory.module = async id => {
      await gate
      return await module(id)
    }
    const reading = unit.cell(process, toUtf8('count'))
    for (let sweep = 0; sweep < 50; sweep++) {
      clock.advance(2_000)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(unit.following).toBe(1)
    open()
    expect((await reading)?.[0]).toBe(3)
    expect(harness.troubles).toEqual([])
    await expect
      .poll(() => {
        clock.advance(2_000)
        return unit.following
      })
      .toBe(0)
  })

  it('that were forgotten are opened again where they stood, with the same state', async () => {
    const clock = new ManualClock()
    await using harness = await ComputeHarness.open({ clock, residentMaxBytes: 1, followersMax: 0 })
    await using witness = await ComputeHarness.open()
    const process = await harness.spawn(await harness.addStandard('counter'))
    const add = { Action: 'Add', Quantity: '3' }
    for (let round = 1; round <= 4; round++) {
      const { slot } = await harness.ask(process, add)
      expect(slot).toBe(round)
      clock.advance(2 * MINUTE_MS)
      await expect.poll(() => harness.unit.following).toBe(0)
      expect(await harness.unit.evaluated(process)).toBe(round + 1)
    }
    await witness.mirror(harness, process)
    const roots = async (of: ComputeHarness): Promise<string[]> =>
      (await of.certificates(process)).map(one => toHex(one.stateRoot))
    expect(await roots(harness)).toEqual(await roots(witness))
    expect(harness.troubles).toEqual([])
  })

  it('take with them what is at hand of their results, which is in the feeds', async () => {
    const clock = new ManualClock()
    await using harness = await ComputeHarness.open({ clock, residentMaxBytes: 1, followersMax: 0 })
    const process = await harness.spawn(await harness.addStandard('counter'))
    const { slot } = await harness.ask(process, { Action: 'Get' })
    const { unit, log } = harness
    const description = await log.directory.process(process)
    if (description === undefined) throw new TypeError('expected a process')
    const frame = await unit.frameAt(description, slot)
    expect(await unit.frameAt(description, slot)).toBe(frame)
    clock.advance(2 * MINUTE_MS)
    await expect.poll(() => unit.following).toBe(0)
    const lookedUp = await unit.frameAt(description, slot)
    expect(lookedUp).not.toBe(frame)
    expect(lookedUp.certificateBytes).toEqual(frame.certificateBytes)
  })

  it('are opened again for whoever reads results slowly', async () => {
    const clock = new ManualClock()
    await using harness = await ComputeHarness.open({ clock, residentMaxBytes: 1, followersMax: 0 })
    const process = await harness.spawn(await harness.addStandard('counter'))
    await harness.ask(process, { Action: 'Get' })
    const stop = new AbortController()
    const results = harness.unit.follow(process, 0, { signal: stop.signal })[Symbol.asyncIterator]()
    await results.next()
    clock.advance(2 * MINUTE_MS)
    await expect.poll(() => harness.unit.following).toBe(0)
    await harness.ask(process, { Action: 'Get' })
    expect((await results.next()).value?.slot).toBe(1)
    expect((await results.next()).value?.slot).toBe(2)
    stop.abort()
  })
})
