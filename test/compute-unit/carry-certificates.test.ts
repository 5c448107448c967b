import { expect, it } from 'vitest'
import { carryCertificates } from '../../compute-unit/following/carry-certificates.ts'
import {
  beginEpoch,
  decodeFrame,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  type FeedSpec,
  FeedTree,
  frameHash,
  type Log,
  messagesFeed,
  NO_EPOCH,
  type ProcessDescription,
  resultsFeed,
  withEpoch,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'

const UNIT = keyOf(11)
const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

function certificateOf(process: ProcessDescription, frame: Uint8Array): Uint8Array {
  const { firstSlot, assignments } = decodeFrame(frame)
  return encodeCertificate({
    process: process.id,
    firstSlot,
    count: assignments.length,
    frameHash: frameHash(frame),
    resultsRoot: hash(1),
    stateRoot: hash(2),
    gas: 1n,
  })
}

async function blocksOf(log: Log, feed: FeedSpec): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for await (const block of log.blocks(feed, 0)) blocks.push(block)
  return blocks
}

/** A process whose first epoch had a spawn message and two blocks, all certified; the owner keeps `kept`. */
async function handedOver(keep: (blocks: readonly Uint8Array[], process: ProvenProcess) => readonly Uint8Array[]) {
  const old = await ProvenProcess.open([11], 1, [2, 2])
  const { log, description } = old
  const blocks = await blocksOf(log, old.feed)
  const certificates = blocks.map(block => certificateOf(description, block))
  await log.append(resultsFeed(description, UNIT), 0, certificates)
  const kept = keep(blocks, old)
  const tree = new FeedTree()
  for (const block of kept) tree.append(block)
  const process = withEpoch(description, {
    process: old.id,
    epoch: 1,
    policy: description.policy,
    prologue: { length: kept.length, hash: tree.hash() },
    slots: 5,
    previous: NO_EPOCH,
  })
  return { old, log, process, kept, certificates }
}

it('a unit certifies again what it certified of the blocks that stay', async () => {
  const { log, process, certificates } = await handedOver(blocks => blocks.slice(0, 2))
  await beginEpoch(log, process, { isNew: true })
  expect([await carryCertificates(log, process, UNIT), await carryCertificates(log, process, UNIT)]).toEqual([3, 3])
  expect(await blocksOf(log, resultsFeed(process, UNIT))).toEqual(certificates.slice(0, 2))
})

it('a unit that followed another branch certifies nothing of it in the new epoch', async () => {
  const other = (firstSlot: number, id: ProvenProcess): Uint8Array =>
    encodeFrame(
      firstSlot,
      [0, 1].map(() => ({
        timestampMs: 1,
        envelopeBytes: encodeEnvelope({ kind: 'item', item: messageItem(id.id).bytes }),
      })),
    )
  const { log, process, kept, certificates } = await handedOver(([spawn = hash(0), first = hash(0)], old) => [
    spawn,
    first,
    other(3, old),
  ])
  expect(await beginEpoch(log, process, { isNew: true })).toBe(false)
  expect(await carryCertificates(log, process, UNIT), 'the blocks that stay are not here').toBe(0)

  const elsewhere = MemoryLog.open()
  elsewhere.signWith(seedOf(1))
  await elsewhere.append(resultsFeed({ ...process, epoch: 0 }, UNIT), 0, certificates)
  const feed = messagesFeed(process)
  await elsewhere.commit(
    kept.map((bytes, index) => ({ feed, index, bytes, ids: [], firstSlot: decodeFrame(bytes).firstSlot })),
  )
  expect(await carryCertificates(elsewhere, process, UNIT)).toBe(3)
  expect(await blocksOf(elsewhere, resultsFeed(process, UNIT))).toEqual(certificates.slice(0, 2))
})
