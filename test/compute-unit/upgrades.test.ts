import { describe, expect, it } from 'vitest'
import {
  controlTags,
  encodeEnvelope,
  encodeFrame,
  fromUtf8,
  type GuestContext,
  type GuestMessage,
  type Result,
  type Tag,
  toUtf8,
} from '../../protocol/index.ts'
import { refusedModule } from '../../compute-unit/evaluation/refused-module.ts'
import { HostedProcess, type LoadedModule, modulesNamedIn } from '../../compute-unit/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { onlyResult, pushEnvelope, SELF, SENDER, VERDICT } from './scripted-guest.ts'
import { evaluateOn, moduleNamed, paper, Upgraded } from './upgraded.ts'
import { V1, LOUD, REFUSING, talked, outputOf, wordsOf, snapshot, restore } from './talkers.ts'

describe('an upgrade', () => {
  it('carries the state over, and the new program answers from the next slot on', () => {
    const process = talked(V1, LOUD)
    expect(process.upgrade(2)).toMatchObject({ status: 'ok', error: undefined })
    expect(wordsOf(process)).toEqual(['SPAWNED', 'ONE', 'TWO'])
    expect(outputOf(process.send({ Action: 'Say' }, 'three'))).toBe('v2 4')
    expect(process.process.lifecycle()).toMatchObject({
      module: moduleNamed(2),
      since: 4,
      changes: [{ module: moduleNamed(2), slot: 3 }],
      snapshots: [{ name: '@3', slot: 3, module: moduleNamed(1), isAutomatic: true }],
    })
  })

  it('that fails leaves program, state and timers as they were, and stands in the feed', () => {
    const process = talked(V1, REFUSING, LOUD)
    process.send({ Action: 'Every' })
    process.send({ Action: 'Note' }, 'a cell')
    const [before, cellBefore] = [process.document, process.process.cell('note')]
    const failed = process.upgrade(3)
    expect(failed).toMatchObject({ status: 'error', error: { code: 'bad-state' }, outbox: [] })
    expect(failed.gas).toBeGreaterThan(500n)
    expect(process.document).toEqual(before)
    expect(process.process.cell('note')).toEqual(cellBefore)
    expect(process.process.timers()).toHaveLength(1)
    expect(process.process.lifecycle()).toEqual({
      module: moduleNamed(1),
      since: 0,
      changes: [],
      snapshots: [],
    })
    expect(outputOf(process.send({ Action: 'Say' }, 'three'))).toBe('4')
    expect(process.upgrade(2).status).toBe('ok')
  })

  it('that fails leaves nothing of what the new program would put down about it', () => {
    const noting = paper(4, { version: '4' })
    const open = noting.factory.open.bind(noting.factory)
    const factory = {
      ...noting.factory,
      open: (...parts: Parameters<typeof open>) =>
        Object.assign(open(...parts), {
          run: (_message: GuestMessage, context: GuestContext) => ({
            status: 'error',
            gas: 1n,
            error: { code: 'trap', message: '' },
            note: () => context.cells.set('left', toUtf8('behind')),
          }),
        }),
    }
    const process = talked(V1, { ...noting, factory })
    expect(process.upgrade(4)).toMatchObject({ status: 'error', error: { code: 'trap' } })
    expect(process.process.cell('left')).toBeUndefined()
    expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
  })

  it('gives the state root of a process that did the same without trying, but for the feed itself', () => {
    const rootsOf = (process: Upgraded): string[] => {
      const { cells, engine } = process.snapshot()
      return [fromUtf8(engine), ...cells.map(([key]) => key).sort()]
    }
    const failing = talked(V1, REFUSING)
    failing.upgrade(3)
    expect(rootsOf(failing)).toEqual(rootsOf(talked(V1)))
  })

  it('is the owner’s alone: anybody else’s is a slot without effect', () => {
    const process = talked(V1, LOUD)
    const before = process.document
    const { action, module } = { action: 'Upgrade' as const, module: moduleNamed(2) }
    const refused = process.control({ action, module, pending: 'wait', keeps: true }, 8)
    expect(refused).toMatchObject({ status: 'error', error: { code: 'not-owner' }, gas: 0n })
    for (const control of [snapshot('a'), restore('a'), { action: 'Rollback', module, pending: 'reject' } as const]) {
      expect(process.control(control, 8).error?.code).toBe('not-owner')
    }
    expect(process.document).toEqual(before)
  })

  it('waits for open calls, or gives them to the new program', () => {
    const process = talked(V1, LOUD)
    process.send({ Action: 'Open' })
    expect(process.upgrade(2)).toMatchObject({ status: 'error', error: { code: 'pending-calls' } })
    const done = process.upgrade(2, { pending: 'reject' })
    expect(outputOf(done)).toMatchObject({ settled: [{ error: { code: 'upgraded' } }] })
    const [kept] = process.process.lifecycle().snapshots
    expect(kept?.isAutomatic).toBe(true)
    // What was rejected once must not be rejected again by going back.
    expect(outputOf(process.rollback(1))).toEqual({ settled: [] })
  })

  it('takes timers over as the document tells them', () => {
    const process = talked(V1, LOUD)
    process.send({ Action: 'Every' })
    const before = process.process.timers()
    process.upgrade(2)
    expect(process.process.timers()).toEqual(before)
  })

  it('takes cells and timers away that are not told in the document', () => {
    const process = talked(V1, LOUD)
    process.send({ Action: 'Every' })
    process.send({ Action: 'Stray' })
    process.send({ Action: 'Note' }, 'a cell')
    expect(process.process.timers()).toHaveLength(2)
    process.upgrade(2)
    expect(process.process.timers().map(({ key }) => key)).toEqual(['schedule/every'])
    expect(process.process.cell('note')).toBeUndefined()
  })

  it('leaves the timers of the spawn’s own tags', () => {
    const process = new Upgraded([V1, LOUD], { tags: { 'Cron-Interval': '5-minutes' } })
    process.spawn()
    process.upgrade(2)
    expect(process.process.timers()).toMatchObject([{ everyMs: 300_000 }])
  })

  it('does not let the old program change anything while it tells its state', () => {
    const process = talked(V1)
    process.control(snapshot('a'))
    expect(process.process.cell('scratch')).toBeUndefined()
    expect(process.document).toBeDefined()
    expect(process.process.cell('scratch')).toBeUndefined()
  })

  it('to a module that breaks a rule, of another format, or from one that cannot tell its state, fails with its reason', () => {
    const broken: LoadedModule = {
      ...paper(4, { version: '4' }),
      refused: 'it uses threads',
      factory: refusedModule('it uses threads'),
    }
    const other: LoadedModule = { ...paper(5, { version: '5' }), format: 'actor' }
    const process = talked(V1, broken, other)
    expect(process.upgrade(4).error).toEqual({ code: 'module-refused', message: 'it uses threads' })
    expect(process.upgrade(5).error?.code).toBe('other-format')
    const mute = talked(paper(1, { version: '1', tells: 'refuse' }), LOUD)
    expect(mute.upgrade(2).error?.code).toBe('mute')
    const sealed = talked({ ...V1, stateForm: 'memory' }, LOUD)
    expect(sealed.upgrade(2).error?.code).toBe('not-upgradable')
    expect(sealed.control(snapshot('a')).error?.code).toBe('not-exportable')
  })

  it('that never ends is ended, and its gas counted', () => {
    const process = talked(V1, paper(6, { version: '6', migrate: 'spin' }))
    const ended = process.upgrade(6)
    expect(ended.error?.code).toBe('out-of-gas')
    expect(ended.gas).toBeLessThanOrEqual(20_000_000_000n)
    expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
  })

  it('needs its module in the host: without it there is no result, and no guess', () => {
    const process = talked(V1)
    expect(() => process.upgrade(2)).toThrow('is not loaded')
  })

  it('that says nothing of what to do is an error', () => {
    const process = talked(V1)
    expect(process.controlTags([{ name: 'Action', value: 'Explode' }]).error?.code).toBe('bad-control')
    expect(process.controlTags([{ name: 'Action', value: 'Upgrade' }]).error?.code).toBe('bad-control')
  })

  it('that keeps nothing cannot be rolled back', () => {
    const process = talked(V1, LOUD)
    expect(process.upgrade(2, { keeps: false }).status).toBe('ok')
    expect(process.rollback(1).error?.code).toBe('nothing-to-roll-back')
  })
})

describe('a child', () => {
  const upgradeTags = [
    { name: 'Type', value: 'Control' },
    ...controlTags({ action: 'Upgrade', module: moduleNamed(2), pending: 'wait', keeps: true }),
  ]
  const childOf = (owner: string): HostedProcess => {
    const { description, modules } = new Upgraded([V1, LOUD])
    const child = { ...description, id: SELF, owner, parent: SENDER }
    return HostedProcess.open(child, V1, undefined, id => modules.get(id))
  }
  const give = (child: HostedProcess, tags: readonly Tag[]): Result => {
    const envelope = pushEnvelope(child.slots, {}, tags)
    const frame = encodeFrame(child.slots, [{ timestampMs: 1000, envelopeBytes: encodeEnvelope(envelope) }])
    return onlyResult(child.evaluate(frame, [VERDICT]))
  }

  it('is upgraded by its parent, which signs no items but sends pushes', () => {
    const child = childOf(SENDER)
    give(child, [])
    expect(give(child, upgradeTags)).toMatchObject({ status: 'ok' })
    expect(child.lifecycle().module).toBe(moduleNamed(2))
    expect(modulesNamedIn(frameOf(upgradeTags), child.description)).toEqual([moduleNamed(2)])
  })

  it('takes the same push of another process for a message', () => {
    const child = childOf(fakeId(77))
    give(child, [])
    expect(outputOf(give(child, upgradeTags))).toBe('what?')
    expect(child.lifecycle().module).toBe(moduleNamed(1))
    expect(modulesNamedIn(frameOf(upgradeTags), child.description)).toEqual([])
  })

  const frameOf = (tags: readonly Tag[]): Uint8Array =>
    encodeFrame(1, [{ timestampMs: 1000, envelopeBytes: encodeEnvelope(pushEnvelope(1, {}, tags)) }])
})

describe('a rollback', () => {
  it('gives back module, state and schedules as they were before the upgrade', () => {
    const process = talked(V1, LOUD)
    process.send({ Action: 'Every' })
    const before = process.document
    process.upgrade(2)
    process.send({ Action: 'Say' }, 'lost')
    expect(process.document).not.toEqual(before)
    expect(process.rollback(1).status).toBe('ok')
    expect(process.document).toEqual(before)
    expect(process.process.lifecycle()).toMatchObject({
      module: moduleNamed(1),
      changes: [
        { module: moduleNamed(2), slot: 4 },
        { module: moduleNamed(1), slot: 6 },
      ],
      snapshots: [],
    })
  })

  it('names where it goes back to, so twice sent it goes back once', () => {
    const process = talked(V1, LOUD, paper(3, { version: '3' }))
    process.upgrade(2)
    process.upgrade(3)
    expect(process.rollback(2).status).toBe('ok')
    expect(process.rollback(2).error?.code).toBe('other-module')
    expect(process.rollback(1).status).toBe('ok')
    expect(process.rollback(1).error?.code).toBe('nothing-to-roll-back')
    expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
  })

  it.each(['refuse', 'spin'] as const)('leads away from a program that cannot even tell its state: %s', tells => {
    const process = talked(V1, paper(2, { version: '2', tells }))
    process.upgrade(2)
    expect(process.rollback(1).status).toBe('ok')
    expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
  })
})

describe('what stands in a checkpoint', () => {
  it('opens with the module that was in force, and with no other', () => {
    const process = talked(V1, LOUD)
    const before = process.snapshot()
    process.upgrade(2)
    process.send({ Action: 'Say' }, 'three')
    const delta = process.snapshot()
    const after = { ...delta, cells: [...new Map([...before.cells, ...delta.cells])] }
    expect(after.module).toBe(moduleNamed(2))
    expect([before.since, after.since]).toEqual([0, 4])
    const again = process.open(after)
    expect(again.stateRoot()).toEqual(process.process.stateRoot())
    expect(() => process.open({ ...after, module: moduleNamed(1) })).toThrow('the state is of module')
    expect(() => process.open({ ...before, module: moduleNamed(2) })).toThrow('the state is of module')
  })

  it('leads to the same states again as the feed from its beginning', () => {
    const process = talked(V1, LOUD, REFUSING)
    process.control(snapshot('a'))
    process.upgrade(3)
    process.upgrade(2)
    process.send({ Action: 'Every' })
    process.rollback(1)
    process.control(restore('a'))
    process.upgrade(2)
    const again = process.open()
    for (const frame of process.frames) evaluateOn(again, frame)
    expect(again.stateRoot()).toEqual(process.process.stateRoot())
    expect(again.lifecycle()).toEqual(process.process.lifecycle())
  })
})

describe('timers', () => {
  it('are cancelled and brought forward by the owner', () => {
    const process = talked(V1)
    process.send({ Action: 'Every' })
    const timer = toUtf8('schedule/every')
    expect(process.control({ action: 'Run-Timer', timer }).status).toBe('ok')
    expect(process.process.timers()).toMatchObject([{ key: 'schedule/every', dueMs: process.nowMs, everyMs: 60_000 }])
    const tick = process.put({ kind: 'tick', timer, dueMs: process.nowMs })
    expect(tick.status).toBe('ok')
    expect(process.control({ action: 'Cancel-Timer', timer }).status).toBe('ok')
    expect(process.process.timers()).toEqual([])
    expect(process.control({ action: 'Cancel-Timer', timer }).error?.code).toBe('unknown-timer')
  })

  it('that were cancelled do not come back with an upgrade', () => {
    const process = talked(V1, LOUD)
    process.send({ Action: 'Every' })
    process.control({ action: 'Cancel-Timer', timer: toUtf8('schedule/every') })
    expect(process.document).toMatchObject({ schedules: [] })
    expect(process.upgrade(2).status).toBe('ok')
    expect(process.process.timers()).toEqual([])
  })
})
