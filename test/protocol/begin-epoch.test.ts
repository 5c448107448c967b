import { beforeEach, expect, it } from 'vitest'
import {
  beginEpoch,
  createDataItem,
  decodeFrame,
  encodeEnvelope,
  encodeEpochRecord,
  encodeFrame,
  type Envelope,
  envelopeId,
  EPOCH_TAGS,
  type EpochRecord,
  type FeedSpec,
  type MessageId,
  messagesFeed,
  NO_EPOCH,
  type ProcessDescription,
  treeAt,
  withEpoch,
} from '../../protocol/index.ts'
import { ed25519Signer } from '../../sdk/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'

let old: ProvenProcess
let process: ProcessDescription
let envelopes: readonly Envelope[]
let ids: readonly MessageId[]

/** Of a feed of three blocks, two stay; the third gave slots 4, 5 and 6 to three messages. */
beforeEach(async () => {
  old = await ProvenProcess.open([11], 1, [3])
  envelopes = Array.from({ length: 3 }, () => ({ kind: 'item', item: messageItem(old.id).bytes }))
  ids = envelopes.map(envelope => envelopeId(envelope, old.id, 4))
  const tree = await treeAt(old.log.trees, old.feed, 2)
  const record: EpochRecord = {
    process: old.id,
    epoch: 1,
    policy: { ...old.description.policy, schedulers: [keyOf(1)], schedulerQuorum: 1 },
    prologue: { length: 2, hash: tree?.hash() ?? new Uint8Array(32) },
    slots: 4,
    previous: NO_EPOCH,
  }
  process = withEpoch(old.description, record)
  const item = await createDataItem(
    { target: old.id, tags: EPOCH_TAGS, data: encodeEpochRecord(record) },
    ed25519Signer(seedOf(7)),
  )
  await old.add(envelopes)
  await old.log.directory.addEpoch(old.id, item.bytes)
})

async function schedule(feed: FeedSpec, index: number, firstSlot: number, again: readonly Envelope[]): Promise<void> {
  const bytes = encodeFrame(
    firstSlot,
    again.map(envelope => ({ timestampMs: 9_000, envelopeBytes: encodeEnvelope(envelope) })),
  )
  await old.log.commit([
    { feed, index, firstSlot, bytes, ids: again.map(envelope => envelopeId(envelope, old.id, firstSlot)) },
  ])
}

const slots = (log = old.log): Promise<readonly (number | undefined)[]> => log.messages.slotsOf(old.id, ids)

it('an epoch that is new forgets what stands behind its beginning, and nothing else', async () => {
  expect(await slots()).toEqual([4, 5, 6])
  expect(await beginEpoch(old.log, process, { isNew: true })).toBe(true)
  expect(await slots()).toEqual([undefined, undefined, undefined])
  expect(await old.log.length(messagesFeed(process))).toBe(2)
})

it('what was sent again keeps its new slot, however often the epoch begins, and after a restart', async () => {
  await beginEpoch(old.log, process, { isNew: true })
  const [first, second, third] = envelopes
  if (first === undefined || second === undefined || third === undefined) throw new TypeError('three messages')
  // The third gets the slot it had before.
  await schedule(messagesFeed(process), 2, 4, [{ kind: 'item', item: messageItem(old.id).bytes }, second, third, first])
  for (const isNew of [false, true, true]) {
    await beginEpoch(old.log, process, { isNew })
    expect(await slots()).toEqual([7, 5, 6])
  }
  const again = MemoryLog.open({ from: old.log })
  expect(await slots(again)).toEqual([7, 5, 6])
  await beginEpoch(again, process, { isNew: true })
  expect(await slots(again)).toEqual([7, 5, 6])
})

it('of another branch than the one that stays nothing is known any more, until what stays is here', async () => {
  const other = withEpoch(old.description, {
    process: old.id,
    epoch: 1,
    policy: process.policy,
    prologue: { length: 2, hash: seedOf(9) },
    slots: 4,
    previous: NO_EPOCH,
  })
  const [, block = []] = await frames()
  expect(await old.log.messages.slotsOf(old.id, block)).toEqual([1, 2, 3])
  expect(await beginEpoch(old.log, other, { isNew: true })).toBe(false)
  expect(await old.log.messages.slotsOf(old.id, block)).toEqual([undefined, undefined, undefined])
})

async function frames(): Promise<MessageId[][]> {
  const found: MessageId[][] = []
  for await (const bytes of old.log.blocks(old.feed, 0)) {
    const { firstSlot, assignments } = decodeFrame(bytes)
    found.push(assignments.map(({ envelope }, at) => envelopeId(envelope, old.id, firstSlot + at)))
  }
  return found
}
