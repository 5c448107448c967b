import { describe, expect, it } from 'vitest'
import { type Envelope, Failure, type ProcessId, type Timer } from '../../protocol/index.ts'
import { settle } from '../fakes/manual-clock.ts'
import { messageItem } from '../fakes/signed-items.ts'
import { Harness } from './scheduler-harness.ts'

const timer = (key: string, dueMs: number, everyMs?: number): Timer => ({ key, dueMs, everyMs })

async function ticks(harness: Harness, process: ProcessId): Promise<Extract<Envelope, { kind: 'tick' }>[]> {
  await settle()
  return (await harness.envelopes(process)).filter(envelope => envelope.kind === 'tick')
}

describe('timers', () => {
  it('give a tick when they are due, not before, and not again until they are armed anew', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const now = harness.clock.now()
    harness.unit.arm(process, [timer('a', now + 1000), timer('b', now + 5000)])
    harness.clock.advance(999)
    expect(await ticks(harness, process)).toHaveLength(0)
    harness.clock.advance(1)
    expect((await ticks(harness, process)).map(tick => String.fromCharCode(...tick.timer))).toEqual(['a'])
    harness.clock.advance(3999)
    expect(await ticks(harness, process)).toHaveLength(1)
    harness.clock.advance(1)
    expect((await ticks(harness, process)).at(-1)).toMatchObject({ dueMs: now + 5000 })
    harness.clock.advance(1_000_000)
    expect(await ticks(harness, process)).toHaveLength(2)
    const last = (await harness.frames(process)).at(-1)?.assignments.at(-1)
    expect(last?.timestampMs).toBeGreaterThanOrEqual(now + 5000)
  })

  it('wait for the earliest, whichever was armed first', async () => {
    await using harness = await Harness.open()
    const [a, b] = [await harness.spawn(), await harness.spawn()]
    harness.unit.arm(a, [timer('late', harness.clock.now() + 60_000)])
    harness.unit.arm(b, [timer('soon', harness.clock.now() + 1000)])
    harness.clock.advance(1000)
    expect([await ticks(harness, a), await ticks(harness, b)].map(list => list.length)).toEqual([0, 1])
    harness.clock.advance(59_000)
    expect([await ticks(harness, a), await ticks(harness, b)].map(list => list.length)).toEqual([1, 1])
  })

  it('that were cleared give none', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    harness.unit.arm(process, [timer('a', harness.clock.now() + 1000)])
    harness.unit.arm(process, [])
    harness.clock.advance(10_000)
    expect(await ticks(harness, process)).toHaveLength(0)
  })

  it('are not early when the clock goes back, and make no storm when it goes on', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    const due = harness.clock.now() + 1000
    harness.unit.arm(process, [timer('a', due, 1000)])
    harness.clock.advance(-3_600_000)
    expect(await ticks(harness, process)).toHaveLength(0)
    harness.clock.set(due + 3_600_000)
    expect(await ticks(harness, process)).toHaveLength(1)
  })

  it('of AO crons tick only while somebody monitors the process, also after a restart', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    harness.unit.arm(process, [timer('cron/0-1000', harness.clock.now() + 1000)])
    harness.clock.advance(5000)
    expect(await ticks(harness, process)).toHaveLength(0)
    harness.unit.monitor(process, true)
    harness.clock.advance(1)
    expect(await ticks(harness, process)).toHaveLength(1)
    await using later = await Harness.open({ log: harness.log, clock: harness.clock })
    later.unit.arm(process, [timer('cron/0-1000', later.clock.now() + 1000)])
    later.clock.advance(1000)
    expect(await ticks(later, process)).toHaveLength(2)
    later.unit.monitor(process, false)
    later.unit.arm(process, [timer('cron/0-1000', later.clock.now() + 1000)])
    later.clock.advance(5000)
    expect(await ticks(later, process)).toHaveLength(2)
  })

  it('whose tick found no slot tick a little later', async () => {
    await using harness = await Harness.open()
    const process = await harness.spawn()
    harness.unit.arm(process, [timer('a', harness.clock.now() + 1000)])
    harness.log.failCommits(new Failure('disk-full'))
    harness.clock.advance(1000)
    expect(await ticks(harness, process)).toHaveLength(0)
    harness.log.failCommits(undefined)
    harness.clock.advance(1000)
    expect(await ticks(harness, process)).toHaveLength(1)
  })

  it('of a process that is not scheduled here are let go', async () => {
    await using harness = await Harness.open()
    const known = await harness.spawn()
    const foreign = known.replace(/^./, first => (first === 'A' ? 'B' : 'A')) as ProcessId
    harness.unit.arm(foreign, [timer('a', harness.clock.now() + 1000)])
    harness.clock.advance(1000)
    await settle()
    expect(harness.clock.sleeping).toBe(0)
    await harness.item(known, messageItem(known).bytes)
    expect(await harness.envelopes(known)).toHaveLength(2)
  })
})
