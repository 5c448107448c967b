import { describe, expect, it } from 'vitest'
import {
  asMessageId,
  asModuleId,
  asProcessId,
  childId,
  encodeEnvelope,
  encodeEpochRecord,
  EPOCH_TAGS,
  makePush,
  NO_EPOCH,
  parseDataItem,
  type ProcessId,
  provenProcess,
  signDataItemSync,
} from '../../protocol/index.ts'
import { keyOf, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { seedOf, spawnItem, tagsOf } from '../fakes/signed-items.ts'

const OWNER = 7
const item = spawnItem(asModuleId(fakeId(4)), keyOf(1), { extraTags: tagsOf({ 'Compute-Unit': keyOf(11) }) })
const parent = asProcessId(parseDataItem(item.bytes).id)
const parentSpawn = encodeEnvelope({ kind: 'item', item: item.bytes })

/** The record by which `signer` gives a process to another compute unit, from slot 5 on. */
function record(process: ProcessId, { signer = OWNER, unit = 21 } = {}): Uint8Array {
  const policy = { schedulers: [keyOf(1)], schedulerQuorum: 1, computeUnits: [keyOf(unit)], computeQuorum: 1 }
  const data = encodeEpochRecord({
    process,
    epoch: 1,
    policy,
    slots: 5,
    prologue: { length: 3, hash: new Uint8Array(32) },
    previous: NO_EPOCH,
  })
  return signDataItemSync({ target: process, tags: EPOCH_TAGS, data }, seedOf(signer)).bytes
}

/** A child that the parent spawned in a slot, as its compute unit at a position says. */
function child(slot: number, unit: number): { id: ProcessId; spawn: Uint8Array } {
  const paper = new PaperProcess(parent, [11, 21], 1)
  if (slot > 1) paper.certify(Array.from({ length: slot - 1 }, () => []))
  const id = childId(parent, slot, 0)
  const core = { from: parent, slot, index: 0, seq: 0, to: id, depth: 1, fuel: 1_000n, origin: asMessageId(fakeId(9)) }
  const tags = tagsOf({ Module: fakeId(4), Scheduler: keyOf(1), 'Compute-Unit': keyOf(11) })
  const [envelope] = paper.certify(
    [[makePush(core, { kind: 'spawn', tags, data: new Uint8Array(0), anchor: undefined })]],
    [unit],
  )
  if (envelope === undefined) throw new TypeError('expected a push')
  return { id, spawn: encodeEnvelope(envelope) }
}

describe('a child of a process that was handed over', () => {
  it('is proven by the word of the compute units of its time', () => {
    const { id, spawn } = child(6, 1)
    expect(provenProcess([spawn, parentSpawn], [[], [record(parent)]])).toMatchObject({ id, parent, epoch: 0 })
    expect(() => provenProcess([spawn, parentSpawn]), 'nobody knows that unit without the record').toThrow(id)
    const before = child(3, 0)
    expect(provenProcess([before.spawn, parentSpawn], [[], [record(parent)]]).id).toBe(before.id)
  })

  it('is not, by that of those whom they replaced', () => {
    expect(() => provenProcess([child(6, 0).spawn, parentSpawn], [[], [record(parent)]])).toThrow(
      'the compute units of its parent were others then',
    )
  })

  it('is handed over by whoever may hand over its eldest ancestor, and by nobody else', () => {
    const { id, spawn } = child(6, 1)
    expect(provenProcess([spawn, parentSpawn], [[record(id, { unit: 31 })], [record(parent)]])).toMatchObject({
      id,
      epoch: 1,
      policy: { computeUnits: [keyOf(31)] },
    })
    expect(() => provenProcess([spawn, parentSpawn], [[record(id, { signer: 8 })], [record(parent)]])).toThrow(
      'another key than its owner',
    )
    expect(() => provenProcess([spawn, parentSpawn], [[], [record(parent, { signer: 8 })]])).toThrow(
      'another key than its owner',
    )
  })
})
