import { describe, expect, it } from 'vitest'
import {
  CELL_VALUE_MAX_BYTES,
  decodePushBody,
  envelopeId,
  type GuestContext,
  type Result,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
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

describe('no program can stop its process', () => {
  const half = '😀'.slice(0, 1)

  it('with half a character in anything it says', () => {
    const scripted = new Scripted()
    const said = scripted.run(context => {
      context.log(`${'x'.repeat(64 * 1024 - 1)}😀`)
      context.assign(fakeId(1), [other(1)], [half])
      context.send({ to: `${'y'.repeat(59)}😀`, tags: [], data: NO_BYTES })
      context.send({ to: other(1), tags: [{ name: half, value: `a${half}` }], data: NO_BYTES })
      context.spawn({ module: other(9), tags: [{ name: 'name', value: half }], data: NO_BYTES })
    })
    expect(said).toMatchObject({ status: 'ok', assigns: [{ exclude: ['\ufffd'] }] })
    const [message, spawn] = said.outbox.map(({ bodyBytes }) => decodePushBody(bodyBytes).tags)
    expect([message?.[0], spawn?.[0]]).toEqual([
      { name: '\ufffd', value: 'a\ufffd' },
      { name: 'name', value: '\ufffd' },
    ])
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
