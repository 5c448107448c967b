import { describe, expect, it } from 'vitest'
import { type Control, controlTags, encodeEnvelope, encodeFrame, type Result } from '../../protocol/index.ts'
import { loadActor, SAMPLE_ACTOR } from '../processes/actor/sample-actor.ts'
import type { LoadedModule } from '../../compute-unit/index.ts'
import { controlItem } from '../fakes/signed-items.ts'
import { evaluateOn, loadedModule, moduleNamed, Upgraded } from './upgraded.ts'
import { snapshot, restore } from './talkers.ts'

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
