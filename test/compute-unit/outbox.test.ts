import { describe, expect, it } from 'vitest'
import {
  childId,
  decodePushBody,
  DEPTH_MAX,
  FUEL_MIN,
  type GuestContext,
  namesScheduler,
  OUTBOX_MAX,
  OUTBOX_SIZE_MAX_BYTES,
  OUTBOX_SPAWNS_MAX,
  OUTPUT_SIZE_MAX_BYTES,
  readPolicy,
  type Result,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { ok, other, Scripted, SELF } from './scripted-guest.ts'

const NO_BYTES = new Uint8Array(0)
const send = (context: GuestContext, to = other(1), data: Uint8Array = NO_BYTES): void =>
  context.send({ to, tags: [], data })

describe('an outbox', () => {
  it('numbers messages for each receiver, and shares what fuel is left', () => {
    const scripted = new Scripted()
    const result = scripted.run(
      context => {
        for (const to of [1, 2, 1]) send(context, other(to))
        return ok(100_000n)
      },
      { fuel: 1_000_000n, depth: 3 },
    )
    expect(result.outbox.map(({ core }) => [core.to, core.seq, core.index, core.depth, core.fuel])).toEqual([
      [other(1), 0, 0, 4, 300_000n],
      [other(2), 0, 1, 4, 300_000n],
      [other(1), 1, 2, 4, 300_000n],
    ])
    expect(scripted.run(context => void send(context, other(1))).outbox[0]?.core.seq).toBe(2)
  })

  it('takes a guest at its word that a message brings less or lies deeper, never that it brings more', () => {
    const bounds = [
      {},
      { fuelMax: 250_000, depthMin: 9 },
      { fuelMax: 2_000_000, depthMin: 1 },
      { fuelMax: 30_000 },
      { depthMin: DEPTH_MAX + 1 },
    ]
    const result = new Scripted().run(
      context => {
        for (const bound of bounds) context.send({ to: other(1), tags: [], data: new Uint8Array(0), ...bound })
        return ok(100_000n)
      },
      { fuel: 2_100_000n, depth: 3 },
    )
    expect(result.outbox.map(({ core }) => [core.seq, core.index, core.depth, core.fuel])).toEqual([
      [0, 0, 4, 400_000n],
      [1, 1, 9, 230_000n],
      [2, 2, 4, 400_000n],
      [3, 3, 4, 10_000n],
    ])
    expect(result.dropped).toEqual([`dropped 1 messages: deeper than ${DEPTH_MAX}`])
  })

  it('drops a spawn whose place is not the one its id names, because one before it was dropped', () => {
    const result = new Scripted().run(
      context => {
        const spawn = () => context.spawn({ module: other(9), tags: [], data: new Uint8Array(0) })
        spawn()
        context.send({ to: other(1), tags: [], data: new Uint8Array(0), fuelMax: 1 })
        spawn()
        send(context, other(2))
        return ok(0n)
      },
      { fuel: 1_000_000n, depth: 3 },
    )
    const { outbox, dropped } = result
    expect(outbox.map(({ core }) => core.index)).toEqual([0, 1])
    expect(outbox[0]?.core.to).toBe(childId(SELF, outbox[0]?.core.slot ?? -1, 0))
    expect(outbox[1]?.core.to).toBe(other(2))
    expect(dropped).toEqual(['dropped 2 messages: no fuel left'])
  })

  it('is dropped whole, and says so, beyond the depth or below the least fuel', () => {
    const dropped = (core: { depth?: number; fuel?: bigint }): Result =>
      new Scripted().run(context => void send(context), core)
    expect(dropped({ depth: DEPTH_MAX - 1 }).outbox).toHaveLength(1)
    const deep = dropped({ depth: DEPTH_MAX })
    expect(deep).toMatchObject({ status: 'ok', outbox: [] })
    expect(deep.dropped.join()).toContain('deeper')
    expect(dropped({ fuel: FUEL_MIN + 10n }).outbox).toHaveLength(1)
    expect(dropped({ fuel: FUEL_MIN + 9n }).dropped.join()).toContain('fuel')
  })

  it('never gives more gas to a slot than its message brought', () => {
    const limits: bigint[] = []
    const scripted = new Scripted()
    const note = (fuel: bigint): unknown => scripted.run((_, __, limit) => void limits.push(limit), { fuel })
    note(5000n)
    note(10n ** 15n)
    expect(limits).toEqual([5000n, 1_000_000_000n])
  })

  it('fails the slot when it passes its bounds, also if the program goes on', () => {
    const error = (script: (context: GuestContext) => void): string | undefined => {
      const scripted = new Scripted()
      const result = scripted.run(context => {
        try {
          script(context)
        } catch {
          // A program that goes on as if nothing had happened.
        }
        return ok()
      })
      expect(result.outbox).toEqual([])
      expect(result.assigns).toEqual([])
      return result.error?.code
    }
    const repeat = (times: number, call: () => void): void => {
      for (let i = 0; i < times; i++) call()
    }
    expect(error(context => repeat(OUTBOX_MAX + 1, () => send(context)))).toBe('outbox-limit')
    expect(error(context => send(context, other(1), new Uint8Array(OUTBOX_SIZE_MAX_BYTES + 1)))).toBe('outbox-limit')
    expect(
      error(context =>
        repeat(OUTBOX_SPAWNS_MAX + 1, () => context.spawn({ module: fakeId(4), tags: [], data: NO_BYTES })),
      ),
    ).toBe('outbox-limit')
    expect(
      error(context =>
        context.assign(
          fakeId(1),
          Array.from({ length: OUTBOX_MAX + 1 }, () => fakeId(2)),
          [],
        ),
      ),
    ).toBe('outbox-limit')
    expect(
      error(context =>
        context.send({
          to: other(1),
          tags: Array.from({ length: 129 }, () => ({ name: 'a', value: 'b' })),
          data: NO_BYTES,
        }),
      ),
    ).toBe('outbox-limit')
    expect(
      error(context => context.send({ to: other(1), tags: tagsOf({ a: '漢'.repeat(1400) }), data: NO_BYTES })),
    ).toBe('outbox-limit')
    expect(error(context => context.cells.set('k'.repeat(257), NO_BYTES))).toBe('cell-limit')
    expect(error(context => context.cells.set('k', new Uint8Array(65_537)))).toBe('cell-limit')
    expect(error(context => context.setTimer('t', 5, 999))).toBe('timer-limit')
    expect(error(context => repeat(65, () => context.setTimer(String(Math.random()), 5)))).toBe('timer-limit')
    const large = new Scripted().run(() => ok(1n, new Uint8Array(OUTPUT_SIZE_MAX_BYTES + 1)))
    expect(large.error?.code).toBe('output-limit')
  })

  it('can be read back by whoever receives it, whatever the tags say', () => {
    const tags = tagsOf({ a: '漢'.repeat(1300), b: '😀' })
    const result = new Scripted().run(context => void context.send({ to: other(1), tags, data: NO_BYTES }))
    const [push] = result.outbox
    expect(push && decodePushBody(push.bodyBytes).tags).toEqual(tags)
  })

  it('names a child by parent, slot and place, and gives it the policy of its parent', () => {
    const scripted = new Scripted()
    scripted.run()
    const ids: string[] = []
    const { outbox } = scripted.run(context => {
      send(context)
      ids.push(context.spawn({ module: fakeId(4), tags: [], data: NO_BYTES }))
      for (const name of ['Scheduler', 'scheduler'])
        ids.push(context.spawn({ module: fakeId(4), tags: tagsOf({ [name]: keyOf(9) }), data: NO_BYTES }))
    })
    expect(ids).toEqual([1, 2, 3].map(place => childId(SELF, 1, place)))
    expect(outbox.map(({ core }) => core.to)).toEqual([other(1), ...ids])
    const [, own, foreign, lower] = outbox.map(({ bodyBytes }) => decodePushBody(bodyBytes))
    expect(own).toMatchObject({ kind: 'spawn' })
    expect(own?.tags).toContainEqual({ name: 'Scheduler', value: keyOf(1) })
    expect(foreign?.tags.filter(namesScheduler)).toEqual([{ name: 'Scheduler', value: keyOf(9) }])
    expect(lower?.tags.filter(namesScheduler)).toEqual([{ name: 'scheduler', value: keyOf(9) }])
    expect(readPolicy(lower?.tags ?? []).schedulers).toEqual([keyOf(9)])
  })

  it('drops a spawn that could never be, for it would block what follows it', () => {
    const result = new Scripted().run(context => {
      context.spawn({ module: 'no id', tags: [], data: NO_BYTES })
      context.spawn({ module: fakeId(4), tags: tagsOf({ Module: 'no id' }), data: NO_BYTES })
      context.spawn({ module: fakeId(4), tags: tagsOf({ Scheduler: 'nobody' }), data: NO_BYTES })
      context.spawn({
        module: fakeId(4),
        tags: tagsOf({ Scheduler: keyOf(1), 'Compute-Quorum': '9' }),
        data: NO_BYTES,
      })
      context.spawn({
        module: fakeId(4),
        tags: tagsOf({ 'Compute-Unit': 'nobody' }),
        data: NO_BYTES,
      })
      send(context)
    })
    expect(result).toMatchObject({ status: 'ok' })
    expect(result.outbox).toHaveLength(1)
    expect(result.dropped).toHaveLength(5)
  })

  it('drops a message to somebody who can be no process', () => {
    const result = new Scripted().run(context => void context.send({ to: 'an old address', tags: [], data: NO_BYTES }))
    expect(result).toMatchObject({ status: 'ok', outbox: [] })
    expect(result.dropped[0]).toContain('an old address')
  })
})
