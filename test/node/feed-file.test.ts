import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  asKeyId,
  beginEpoch,
  concatBytes,
  describeSpawnItem,
  ed25519PublicKey,
  encodeEnvelope,
  encodeEpochRecord,
  encodeFrame,
  EPOCH_TAGS,
  type KeyId,
  keyId,
  type Log,
  messagesFeed,
  NO_EPOCH,
  type ProcessDescription,
  provenEpochs,
  signDataItemSync,
  toHex,
  treeAt,
} from '../../protocol/index.ts'
import { checkFeedFile, feedFile, importIntoFolder } from '../../node/index.ts'
import { importFeed } from '../../node/following/feed-file.ts'
import { openKeystore } from '../../node/keystore.ts'
import { sourceFromLog } from '../../node/learning/process-source.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'
import { tempFolder } from '../log/temp-folder.ts'

const SEED = seedOf(1)
const KEY = asKeyId(keyId(ed25519PublicKey(SEED)))

function itemOf(fields: Record<string, string>, target?: string): ReturnType<typeof signDataItemSync> {
  const tags = Object.entries({ 'Data-Protocol': 'ao', ...fields }).map(([name, value]) => ({ name, value }))
  return signDataItemSync(target === undefined ? { tags, data: '' } : { tags, target, data: '' }, seedOf(9))
}

/** A process of `key` with three frames in a log. */
async function filled(log: Log, key = KEY): Promise<ProcessDescription> {
  const spawn = itemOf({ Type: 'Process', Module: KEY, Scheduler: key })
  const process = describeSpawnItem(spawn)
  const items = [
    spawn,
    itemOf({ Type: 'Message', Nth: '1' }, spawn.id),
    itemOf({ Type: 'Message', Nth: '2' }, spawn.id),
  ]
  for (const [slot, item] of items.entries()) {
    const envelopeBytes = encodeEnvelope({ kind: 'item', item: item.bytes })
    if (slot === 0) await log.directory.addProcess(process, envelopeBytes)
    await log.commit([
      {
        feed: messagesFeed(process),
        index: slot,
        firstSlot: slot,
        ids: [],
        bytes: encodeFrame(slot, [{ timestampMs: 5, envelopeBytes }]),
      },
    ])
  }
  return process
}

async function fileOf(log: Log, process: ProcessDescription): Promise<Uint8Array> {
  return concatBytes(...(await Array.fromAsync(feedFile(await sourceFromLog(log, process.id)))))
}

function signing(): MemoryLog {
  const log = MemoryLog.open()
  log.signWith(SEED)
  return log
}

/** What begins otherwise is no file of a feed at all. */
const MAGIC_BYTES = 8

describe('a feed in a file', () => {
  test('tells its process, head and blocks, and nothing in it can be changed', async () => {
    const log = signing()
    const process = await filled(log)
    const file = await fileOf(log, process)
    const feed = await checkFeedFile(file)
    expect(feed.process).toEqual(process)
    expect([feed.slots, feed.head.length]).toEqual([3, 3])
    for (let at = 0; at < file.length; at += 7) {
      const bent = file.slice()
      bent[at] = (bent[at] ?? 0) ^ 0x10
      const code = at < MAGIC_BYTES ? 'bad-file' : 'verification-failed'
      await expect(checkFeedFile(bent), `byte ${at}`).rejects.toMatchObject({ code })
    }
    for (const end of [0, 7, 8, 20, file.length - 1]) {
      const code = end < MAGIC_BYTES ? 'bad-file' : 'verification-failed'
      await expect(checkFeedFile(file.subarray(0, end)), `${end} bytes`).rejects.toMatchObject({ code })
    }
  })

  test('goes into a log that has less of it, of whoever signs it, and into none that has another', async () => {
    await using folder = await tempFolder()
    const source = signing()
    const process = await filled(source)
    const feed = await checkFeedFile(await fileOf(source, process))
    const data = join(folder.path, 'elsewhere')
    expect(await importIntoFolder(data, feed)).toBe(3)
    expect(await importIntoFolder(data, feed)).toBe(0)
    {
      const { seed } = await openKeystore(join(data, 'keys'))
      await using log = await HypercoreLog.open({ directory: data, keySeed: seed })
      const blocks = await Array.fromAsync(log.blocks(messagesFeed(process), 0))
      expect(blocks.map(toHex)).toEqual(feed.blocks.map(toHex))
      expect((await log.directory.process(process.id))?.id).toBe(process.id)
    }
    // The node whose feed it is gets back what it lost; its signature over the same blocks is the same.
    await using own = await HypercoreLog.open({ directory: join(folder.path, 'own'), keySeed: SEED })
    expect(await importFeed(own, feed)).toBe(3)
    expect(await own.head(messagesFeed(process))).toEqual(feed.head)
    const other = signing()
    const spawn = feed.blocks[0] ?? new Uint8Array()
    await other.commit([{ feed: messagesFeed(process), index: 0, firstSlot: 0, ids: [], bytes: spawn.slice(0, -1) }])
    await expect(importFeed(other, feed)).rejects.toMatchObject({ code: 'feed-frozen' })
  })

  test('of a process that was handed over brings the records, and begins where they say', async () => {
    await using folder = await tempFolder()
    const source = signing()
    const process = await filled(source)
    const before = await checkFeedFile(await fileOf(source, process))
    const record = await recordOf(source, process, KEY)
    await source.directory.addEpoch(process.id, record)
    const handed = provenEpochs(process, [record], process.owner)
    expect(await beginEpoch(source, handed, { isNew: true })).toBe(true)
    const item = itemOf({ Type: 'Message', Nth: '3' }, process.id)
    const bytes = encodeFrame(2, [
      { timestampMs: 6, envelopeBytes: encodeEnvelope({ kind: 'item', item: item.bytes }) },
    ])
    await source.commit([{ feed: messagesFeed(handed), index: 2, firstSlot: 2, ids: [], bytes }])

    const file = await fileOf(source, process)
    const feed = await checkFeedFile(file)
    expect([feed.process, feed.slots, feed.lineage.map(({ epochs }) => epochs)]).toEqual([handed, 3, [[record]]])
    for (let at = 0; at < file.length; at += 7) {
      const bent = file.slice()
      bent[at] = (bent[at] ?? 0) ^ 0x10
      const code = at < MAGIC_BYTES ? 'bad-file' : 'verification-failed'
      await expect(checkFeedFile(bent), `byte ${at}`).rejects.toMatchObject({ code })
    }

    // Into the folder of whoever has nothing of it, and of whoever has it as it was before.
    for (const first of [undefined, before]) {
      const data = join(folder.path, first === undefined ? 'empty' : 'before')
      if (first !== undefined) await importIntoFolder(data, first)
      expect(await importIntoFolder(data, feed)).toBe(3)
      expect(await importIntoFolder(data, feed)).toBe(0)
      await expect(importIntoFolder(data, before), 'of an epoch that is over').rejects.toMatchObject({
        code: 'bad-epoch',
      })
      const { seed } = await openKeystore(join(data, 'keys'))
      await using log = await HypercoreLog.open({ directory: data, keySeed: seed })
      expect(await log.directory.process(process.id)).toMatchObject({ id: process.id, epoch: 1, policy: handed.policy })
      expect((await Array.fromAsync(log.blocks(messagesFeed(handed), 0))).map(toHex)).toEqual(feed.blocks.map(toHex))
    }
    // The scheduler of the new epoch gets back what it lost, and whoever knows of another handover takes nothing.
    await using own = await HypercoreLog.open({ directory: join(folder.path, 'own'), keySeed: SEED })
    expect(await importFeed(own, feed)).toBe(3)
    expect(await own.head(messagesFeed(handed))).toEqual(feed.head)
    const other = signing()
    await filled(other)
    await other.directory.addEpoch(
      process.id,
      await recordOf(source, process, asKeyId(keyId(ed25519PublicKey(seedOf(5))))),
    )
    await expect(importFeed(other, feed)).rejects.toMatchObject({ code: 'bad-epoch' })
  })
})

/** The record by which `scheduler` goes on from the second block. */
async function recordOf(log: Log, process: ProcessDescription, scheduler: KeyId): Promise<Uint8Array> {
  const tree = await treeAt(log.trees, messagesFeed({ ...process, epoch: 0 }), 2)
  if (tree === undefined) throw new TypeError('expected two blocks')
  const policy = { schedulers: [scheduler], schedulerQuorum: 1, computeUnits: [scheduler], computeQuorum: 1 }
  const data = encodeEpochRecord({
    process: process.id,
    epoch: 1,
    policy,
    slots: 2,
    prologue: { length: 2, hash: tree.hash() },
    previous: NO_EPOCH,
  })
  return signDataItemSync({ target: process.id, tags: EPOCH_TAGS, data }, seedOf(9)).bytes
}
