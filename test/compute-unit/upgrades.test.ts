import { describe, expect, it } from 'vitest'
import {
  type Control,
  controlTags,
  DOCUMENT_SIZE_MAX_BYTES,
  encodeEnvelope,
  encodeFrame,
  fromUtf8,
  type GuestContext,
  type GuestMessage,
  type Result,
  SNAPSHOTS_AUTOMATIC_MAX,
  SNAPSHOTS_MAX,
  type Tag,
  toUtf8,
} from '../../protocol/index.ts'
import { loadActor, SAMPLE_ACTOR } from '../processes/actor/sample-actor.ts'
import { refusedModule } from '../../compute-unit/evaluation/refused-module.ts'
import { HostedProcess, type LoadedModule, modulesNamedIn } from '../../compute-unit/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { controlItem } from '../fakes/signed-items.ts'
import { onlyResult, pushEnvelope, SELF, SENDER, VERDICT } from './scripted-guest.ts'
import { evaluateOn, loadedModule, moduleNamed, paper, Upgraded } from './upgraded.ts'

const V1 = paper(1, { version: '1' })
const LOUD = paper(2, { version: '2', migrate: 'upper', prefix: 'v2 ' })
const REFUSING = paper(3, { version: '3', migrate: 'refuse' })

function talked(...modules: readonly LoadedModule[]): Upgraded {
  const process = new Upgraded(modules)
  process.spawn()
  process.send({ Action: 'Say' }, 'one')
  process.send({ Action: 'Say' }, 'two')
  return process
}

const outputOf = ({ output }: { output: Uint8Array }): unknown => JSON.parse(fromUtf8(output))
const wordsOf = (process: Upgraded): unknown => outputOf(process.send({ Action: 'Words' }))
const snapshot = (name: string): Control => ({ action: 'Snapshot', name })
const restore = (name?: string): Control => ({ action: 'Restore', name, pending: 'wait' })

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

describe('snapshots', () => {
  it('are kept by name and restored by name, any number of times', () => {
    const process = talked(V1, LOUD)
    expect(process.control(snapshot('two-words')).status).toBe('ok')
    process.send({ Action: 'Say' }, 'three')
    for (let times = 0; times < 2; times++) {
      expect(process.control(restore('two-words')).status).toBe('ok')
      expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
      process.send({ Action: 'Say' }, 'again')
    }
    process.upgrade(2)
    process.control(restore('two-words'))
    expect(wordsOf(process)).toEqual(['SPAWNED', 'ONE', 'TWO'])
    expect(process.control(restore('absent')).error?.code).toBe('unknown-snapshot')
  })

  it('replace those of the same name, and are forgotten', () => {
    const process = talked(V1)
    process.control(snapshot('a'))
    process.send({ Action: 'Say' }, 'three')
    process.control(snapshot('a'))
    expect(process.process.lifecycle().snapshots).toHaveLength(1)
    expect(process.control({ action: 'Forget', name: 'a' }).status).toBe('ok')
    expect(process.control({ action: 'Forget', name: 'a' }).error?.code).toBe('unknown-snapshot')
    expect(process.snapshot().cells.filter(([key]) => key.startsWith('cd'))).toEqual([])
  })

  it('are as many as allowed, and no more', () => {
    const process = talked(V1)
    for (let at = 0; at < SNAPSHOTS_MAX; at++) expect(process.control(snapshot(`s${at}`)).status).toBe('ok')
    expect(process.control(snapshot('one-more')).error?.code).toBe('snapshot-limit')
    expect(process.control(snapshot('s3')).status).toBe('ok')
    expect(process.process.lifecycle().snapshots).toHaveLength(SNAPSHOTS_MAX)
  })

  it('that upgrades take push out the oldest of their kind only', () => {
    const process = talked(V1, paper(2, { version: '2' }))
    process.control(snapshot('mine'))
    for (let at = 0; at < 5; at++) process.upgrade(at % 2 === 0 ? 2 : 1)
    const { snapshots } = process.process.lifecycle()
    expect(snapshots.filter(one => one.isAutomatic)).toHaveLength(SNAPSHOTS_AUTOMATIC_MAX)
    expect(snapshots.filter(one => !one.isAutomatic).map(({ name }) => name)).toEqual(['mine'])
  })

  it('larger than a cell come back whole', () => {
    const process = new Upgraded([V1])
    process.spawn()
    const long = 'ä'.repeat(100_000)
    process.send({ Action: 'Say' }, long)
    process.control(snapshot('long'))
    process.send({ Action: 'Say' }, 'more')
    process.control(restore('long'))
    expect(wordsOf(process)).toEqual(['spawned', long])
  })

  it('larger than a document may be are refused', () => {
    const process = new Upgraded([V1])
    process.spawn()
    for (let at = 0; at < 9; at++) process.send({ Action: 'Say' }, 'x'.repeat(1_000_000))
    expect(9_000_000).toBeGreaterThan(DOCUMENT_SIZE_MAX_BYTES)
    const before = process.process.lifecycle()
    expect(process.control(snapshot('huge'))).toMatchObject({
      status: 'error',
      error: { code: 'output-limit' },
    })
    expect(process.process.lifecycle()).toEqual(before)
  })
})

describe('a document', () => {
  it('given as data takes the place of the state', () => {
    const source = talked(V1)
    const other = talked(V1)
    other.send({ Action: 'Say' }, 'mine')
    const result = other.control(restore(), 7, JSON.stringify(source.document))
    expect(result.status).toBe('ok')
    expect(other.document).toEqual(source.document)
  })

  it('that is none is an error, and nothing changes', () => {
    const process = talked(V1)
    const before = process.document
    for (const data of ['', 'no json', '[]', '7', '{"state":']) {
      expect(process.control(restore(), 7, data).error?.code, data).toBe('bad-document')
    }
    expect(process.document).toEqual(before)
  })

  it('is what a fork begins from, instead of its spawn message', () => {
    const source = talked(V1, LOUD)
    source.upgrade(2)
    const data = toUtf8(JSON.stringify(source.document))
    const fork = new Upgraded([LOUD, V1], { tags: { Restore: 'document', Name: 'fork' }, data })
    expect(fork.spawn().status).toBe('ok')
    expect(wordsOf(fork)).toEqual(['SPAWNED', 'ONE', 'TWO'])
    source.send({ Action: 'Say' }, 'only here')
    expect(wordsOf(fork)).toHaveLength(3)
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

describe('an actor', () => {
  const byte = (value: number): string => String.fromCharCode(value)

  async function actor(number: number, tags: Record<string, string> = {}): Promise<LoadedModule> {
    const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
    const factory = await loadActor(SAMPLE_ACTOR, list)
    return loadedModule(number, { format: 'actor', tags: list, stateForm: 'cells', factory })
  }

  it('that keeps state in memory is upgraded only to a module that says it needs nothing of it', async () => {
    const process = new Upgraded([await actor(1), await actor(2), await actor(3, { 'Actor-Upgrade': 'cells' })])
    process.spawn()
    process.send({}, byte(3))
    expect(process.upgrade(2).error?.code).toBe('memory-in-use')
    expect(process.upgrade(3).status).toBe('ok')
    expect(process.send({}, byte(0)).output[0]).toBe(1)
  })

  it('is rolled back byte for byte, memory, engine and all', async () => {
    const process = new Upgraded([await actor(1), await actor(2, { 'Actor-Upgrade': 'cells' })])
    process.spawn()
    process.send({}, byte(3))
    process.send({}, byte(0))
    const { memory } = process.process
    const before = { memory: memory.call(process.process), document: process.document }
    process.upgrade(2)
    process.send({}, byte(0))
    expect(process.document).not.toEqual(before.document)
    expect(process.rollback(1).status).toBe('ok')
    expect(process.process.memory()).toEqual(before.memory)
    expect(process.document).toEqual(before.document)
    const delta = process.snapshot()
    expect(delta.chunks.size).toBeGreaterThan(0)
    expect(process.open({ ...delta, cells: delta.cells }).stateRoot()).toEqual(process.process.stateRoot())
    expect(process.send({}, byte(0)).output[0]).toBe(4)
  })

  it('is given no memory that does not fit', async () => {
    const process = new Upgraded([await actor(1)])
    process.spawn()
    process.send({}, byte(3))
    const grown = JSON.stringify(process.document)
    expect(process.control(restore(), 7, grown).error?.code).toBe('bad-document')
    const document = JSON.parse(grown) as { memory: Record<string, unknown> }
    for (const memory of [
      { pages: 1, engine: 'AA', chunks: {} },
      { pages: 1, engine: '', chunks: { 16: 'AA' } },
      { pages: -1 },
      {},
    ]) {
      const wrong = JSON.stringify({ ...document, memory })
      expect(process.control(restore(), 7, wrong).error?.code, wrong.slice(-60)).toBe('bad-document')
    }
    expect(process.send({}, byte(0)).status).toBe('ok')
  })

  it('with more cells than a document may hold is upgraded only without a way back', async () => {
    const factory = await loadActor(SAMPLE_ACTOR)
    const modules = [1, 2].map(number =>
      loadedModule(number, { format: 'actor', tags: [], stateForm: 'cells', factory }),
    )
    const process = new Upgraded(modules)
    const [first] = modules
    if (first === undefined) throw new TypeError('expected a module')
    // 7 MiB of cells: they fit as bytes, and not as the text they become.
    const cells = Array.from({ length: 112 }, (_, at) => [`u${at}`, new Uint8Array(65_536)] as const)
    const { chunks, engine, pages } = factory.image
    const large = process.open({
      slots: 1,
      module: first.id,
      since: 0,
      pages,
      engine,
      logHash: new Uint8Array(0),
      chunks,
      cells,
    })
    const give = (control: Control): Result => {
      const item = controlItem(process.description.id, controlTags(control))
      const envelopeBytes = encodeEnvelope({ kind: 'item', item: item.bytes })
      return evaluateOn(large, encodeFrame(large.slots, [{ timestampMs: 1000, envelopeBytes }]))
    }
    const upgrade: Control = {
      action: 'Upgrade',
      module: moduleNamed(2),
      pending: 'wait',
      keeps: true,
    }
    for (const control of [snapshot('a'), upgrade]) {
      const failed = give(control)
      expect(failed.error?.code).toBe('document-too-large')
      expect(failed.gas).toBe(112n * 2000n)
    }
    expect(large.lifecycle().snapshots).toEqual([])
    expect(give({ ...upgrade, keeps: false }).status).toBe('ok')
    expect(large.cell('7')).toHaveLength(65_536)
  })

  it('has its cells migrated by a module that asks to be told', async () => {
    const process = new Upgraded([await actor(1), await actor(2, { 'Actor-Upgrade': 'migrate' })])
    process.spawn()
    expect(process.upgrade(2).status).toBe('ok')
    // The message of kind restore was counted like any other.
    expect(process.send({}, byte(0)).output[0]).toBe(2)
  })
})
