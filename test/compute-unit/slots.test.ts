import { describe, expect, it } from 'vitest'
import {
  CELL_VALUE_MAX_BYTES,
  childId,
  decodePushBody,
  DEPTH_MAX,
  envelopeId,
  FUEL_MIN,
  type GuestContext,
  namesScheduler,
  OUTBOX_MAX,
  OUTBOX_SIZE_MAX_BYTES,
  OUTBOX_SPAWNS_MAX,
  OUTPUT_SIZE_MAX_BYTES,
  readPolicy,
  type Result,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { ok, other, pushEnvelope, Scripted, SELF, SENDER } from './scripted-guest.ts'

const NO_BYTES = new Uint8Array(0)
const send = (context: GuestContext, to = other(1), data: Uint8Array = NO_BYTES): void =>
  context.send({ to, tags: [], data })

describe('a slot that fails', () => {
  it('ends as refused whatever bytes stand for an item', () => {
    const scripted = new Scripted()
    const refused = { status: 'refused' } as const
    for (const bytes of [new Uint8Array(0), Uint8Array.of(99, 99), new Uint8Array(300).fill(255)]) {
      const { status, gas } = scripted.slot({ kind: 'item', item: bytes }, undefined, refused)
      expect({ status, gas }).toEqual({ status: 'refused', gas: 0n })
    }
  })

  it('leaves nothing behind but the book-keeping of its mailbox', () => {
    const failing = new Scripted()
    failing.run()
    const result = failing.run(context => {
      context.cells.set('k', new Uint8Array(3))
      context.cells.add('n', 4n)
      context.setTimer('t', 5_000_000)
      send(context)
      context.log('said')
      return {
        status: 'error',
        gas: 7n,
        error: { code: 'trap', message: 'x' },
        output: toUtf8('why'),
      }
    })
    expect(result).toMatchObject({
      status: 'error',
      gas: 7n,
      outbox: [],
      log: 'said\n',
      error: { code: 'trap' },
    })
    expect(failing.process.cell('k')).toBeUndefined()
    expect(failing.process.timers()).toEqual([])
    // The seq was taken: the same push again is a duplicate.
    expect(failing.slot(pushEnvelope(1)).status).toBe('duplicate')
  })

  it('takes no seq from the receiver of what it wanted to send', () => {
    const scripted = new Scripted()
    scripted.run(context => {
      send(context)
      return { status: 'error', gas: 1n, error: { code: 'trap', message: '' } }
    })
    expect(scripted.run(context => void send(context)).outbox.map(({ core }) => core.seq)).toEqual([0])
  })
})

describe('a slot that fails by itself and breaks a limit', () => {
  it('still puts down what happened in it', () => {
    const scripted = new Scripted()
    const result = scripted.run(context => {
      expect(() => context.cells.set('k', new Uint8Array(CELL_VALUE_MAX_BYTES + 1))).toThrow()
      const note = (): void => context.cells.set('note', toUtf8('it trapped'))
      return { status: 'error', gas: 7n, error: { code: 'trap', message: '' }, note }
    })
    expect(result).toMatchObject({ status: 'error', error: { code: 'cell-limit' }, gas: 7n })
    expect(scripted.process.cell('note')).toEqual(toUtf8('it trapped'))
  })
})

describe('a result', () => {
  it('names the message in its slot, whatever came of it', () => {
    const scripted = new Scripted()
    const first = pushEnvelope(0)
    const named = (result: Result): string | undefined => result.message && toBase64Url(result.message)
    expect(named(scripted.slot(first))).toBe(envelopeId(first, SELF, 0))
    expect(named(scripted.slot(first))).toBe(envelopeId(first, SELF, 1))
    expect(named(scripted.slot({ kind: 'tick', timer: toUtf8('none'), dueMs: 1 }))).toBeUndefined()
    expect(named(scripted.slot(pushEnvelope(1), undefined, { status: 'refused' }))).toBeUndefined()
  })
})

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

describe('no program can stop its process', () => {
  const half = '😀'.slice(0, 1)

  it('with half a character in anything it says', () => {
    const scripted = new Scripted()
    const said = scripted.run(context => {
      context.log(`${'x'.repeat(64 * 1024 - 1)}😀`)
      context.assign(fakeId(1), [other(1)], [half])
      context.send({ to: `${'y'.repeat(59)}😀`, tags: [], data: NO_BYTES })
    })
    expect(said).toMatchObject({ status: 'ok', assigns: [{ exclude: ['\ufffd'] }] })
    const failed = scripted.run(() => ({
      status: 'error',
      gas: 1n,
      error: { code: 'abort', message: `${'z'.repeat(1023)}😀` },
    }))
    expect(failed.error?.message.isWellFormed()).toBe(true)
    expect(scripted.run().status).toBe('ok')
  })

  it('with timers at the end of time', () => {
    const scripted = new Scripted()
    const far = Number.MAX_SAFE_INTEGER
    expect(scripted.run(context => context.setTimer('a', 1, far) as undefined).status).toBe('ok')
    expect(scripted.run(context => context.setTimer('b', far) as undefined).status).toBe('ok')
    const [first] = scripted.process.timers()
    const tick = scripted.slot({ kind: 'tick', timer: toUtf8('a'), dueMs: first?.dueMs ?? 0 })
    expect(tick.status).toBe('ok')
    expect(scripted.process.timers().map(({ key }) => key)).toEqual(['b'])
  })

  it('with crons that make no sense', () => {
    const tags = { 'Cron-Interval': `${Number.MAX_SAFE_INTEGER}-milliseconds` }
    const endless = new Scripted(tags)
    expect(endless.run().status).toBe('ok')
    expect(endless.process.timers()).toEqual([])
    const odd = new Scripted({ 'Cron-Interval': '\u30005-minutes-😀' })
    odd.run()
    expect(odd.process.timers().map(({ key }) => key)).toEqual(['cron/0-300000'])
  })
})

describe('what a program is told', () => {
  it('is random in the same way for everybody, and differs from slot to slot', () => {
    const draw = (): string[] => {
      const scripted = new Scripted()
      const drawn: string[] = []
      for (let i = 0; i < 3; i++)
        scripted.run(
          context =>
            void drawn.push(
              Buffer.from(context.random(40)).toString('hex'),
              Buffer.from(context.random(5)).toString('hex'),
            ),
        )
      return drawn
    }
    expect(draw()).toEqual(draw())
    expect(new Set(draw()).size).toBe(6)
  })

  it('is who sent it, by the certificate alone', () => {
    new Scripted().run((_, message) => {
      expect(message).toMatchObject({
        kind: 'spawn',
        from: SENDER,
        fromProcess: SENDER,
        owner: keyOf(2),
        depth: 1,
      })
      return undefined
    })
  })

  it('is an assigned push with the fuel it had, not more', () => {
    const scripted = new Scripted()
    scripted.run()
    const push = pushEnvelope(0, { fuel: 123_456n })
    if (push.kind !== 'push' || push.proof === undefined) throw new TypeError('expected a push')
    let limit = 0n
    const message = { ...push, proof: push.proof }
    scripted.slot({ kind: 'assign', message, exclude: [] }, (_, message, gasLimit) => {
      expect(message.kind).toBe('assigned')
      limit = gasLimit
      return undefined
    })
    expect(limit).toBe(123_456n)
  })
})

describe('a dry-run', () => {
  it('sees the latest state and changes nothing', () => {
    const scripted = new Scripted()
    scripted.run(context => context.cells.set('k', toUtf8('v')) as undefined)
    const before = scripted.root
    let seen: Uint8Array | undefined
    const ending = scripted.query(context => {
      seen = context.cells.get('k')
      context.cells.set('k', toUtf8('w'))
      context.cells.delete('k')
      context.setTimer('t', 9_000_000)
      send(context)
      return ok()
    })
    expect(ending.status).toBe('ok')
    expect(seen).toEqual(toUtf8('v'))
    expect(scripted.root).toBe(before)
    expect(scripted.process.cell('k')).toEqual(toUtf8('v'))
    expect(scripted.process.timers()).toEqual([])
  })
})
